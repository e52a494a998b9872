FROM ghcr.io/ggml-org/llama.cpp:full
USER 1000:1000
CMD ["--server", "-m", "/m.gguf", "--no-mmap"]
# finds
# 3 error --no-mmap no longer exists since September 2026 | --load-mode none
