FROM ubuntu:24.04
RUN apt-get update && apt-get install -y --no-install-recommends curl libgomp1 libvulkan1 && curl -fsSLO https://github.com/ggml-org/llama.cpp/releases/download/b11312/llama-b11312-bin-ubuntu-vulkan-x64.tar.gz && tar xf llama-*.tar.gz -C /app
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 1 lacks a Vulkan driver
