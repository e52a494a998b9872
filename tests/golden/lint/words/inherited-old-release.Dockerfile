FROM ghcr.io/ggml-org/llama.cpp:server-b5000
USER 1000:1000
CMD ["--mlock", "-fa"]
# finds
# 1 note ghcr.io/ggml-org/llama.cpp:server-b5000 is checked against llama.cpp 0c1e57098
# 3 note --mlock no longer exists since September 2026 | --load-mode mlock, and a memlock limit that allows for it
# 3 note -fa needs a value | -fa on
