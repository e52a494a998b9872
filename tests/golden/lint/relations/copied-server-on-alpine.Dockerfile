FROM alpine:3.22
COPY --from=ghcr.io/ggml-org/llama.cpp:server /app/llama-server /app/llama-server
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 1 has another C library than the server
