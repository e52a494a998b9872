FROM alpine:3.22
RUN apk add --no-cache libgomp libstdc++
ADD https://github.com/ggml-org/llama.cpp/releases/download/b11312/llama-b11312-bin-ubuntu-x64.tar.gz /app/
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 3 does not run in this image
