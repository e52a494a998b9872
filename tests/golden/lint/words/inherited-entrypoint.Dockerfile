FROM ghcr.io/ggml-org/llama.cpp:server-vulkan
USER 1000:1000
CMD ["-m", "/m.gguf", "-fa", "--ctx-size", "many"]
# finds
# 3 error --ctx-size cannot be 'many' | a number
# 3 error -fa needs a value | -fa on
