FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y g++ libgomp1
RUN CMAKE_ARGS="-DGGML_CUDA=on -DGGML_NATIVE=OFF" pip install llama-cpp-python[server]
USER 10001:10001
CMD ["python", "-m", "llama_cpp.server"]

# finds
# error 3 needs nvcc, which its stage lacks
