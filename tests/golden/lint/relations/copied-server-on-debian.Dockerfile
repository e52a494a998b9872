FROM debian:bookworm-slim
COPY --from=ghcr.io/ggml-org/llama.cpp:server /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 1 is older than ghcr.io/ggml-org/llama.cpp:server
# error 1 lacks libgomp.so.1
# error 1 lacks libssl.so.3
