FROM ghcr.io/ggml-org/llama.cpp:server-b11312
ENTRYPOINT ['/app/llama-server', '--host', '0.0.0.0', '--port', '8080']
# finds
# 2 error ENTRYPOINT ['/app/llama-server', '--host', '0.0.0.0', '--port', '8080'] is no list | ["/app/llama-server", "--host", "0.0.0.0", "--port", "8080"]
