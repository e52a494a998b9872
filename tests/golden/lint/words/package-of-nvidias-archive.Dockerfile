FROM ubuntu:22.04
RUN apt-get update && apt-get install -y libcublas-12-4 libgomp1 curl
COPY llama-server /usr/bin/llama-server
USER 1000
HEALTHCHECK CMD curl -f http://localhost:8080/health
ENTRYPOINT ["llama-server","--host","0.0.0.0","--port","8080"]
# finds
# 2 error libcublas-12-4 is no package of ubuntu 22.04 | an image nvidia/cuda:VERSION-runtime-OS, or NVIDIA's cuda-keyring before it
