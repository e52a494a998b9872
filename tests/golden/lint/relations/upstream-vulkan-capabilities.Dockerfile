FROM ghcr.io/ggml-org/llama.cpp:server-vulkan
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility LLAMA_ARG_PORT=8080
USER 10001:10001

# finds
# error 2 lacks `graphics`
