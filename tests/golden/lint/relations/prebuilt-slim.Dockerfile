FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends wget ca-certificates && wget -q https://github.com/ggml-org/llama.cpp/releases/download/b11312/llama-b11312-bin-ubuntu-x64.tar.gz && tar xf *.tar.gz -C /app
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 1 lacks libgomp.so.1
