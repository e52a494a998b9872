# jetson-containers#459
FROM --platform=linux/amd64 dustynv/llama_cpp:r36.2.0
RUN apt-get update && apt-get install -y curl
CMD ["llama-server", "-m", "/m.gguf", "--host", "0.0.0.0", "--port", "8080"]
# finds
# 2 error dustynv/llama_cpp:r36.2.0 does not exist for amd64 | --platform=linux/arm64, or another image
