FROM python:3.12-slim
RUN pip install llama-cpp-python[server]==0.3.36 --extra-index-url https://abetlen.github.io/llama-cpp-python/whl/cu124
USER 10001:10001
CMD ["python3", "-m", "llama_cpp.server"]

# finds
# error 2 is for CUDA 12.4, of which the image has nothing | nvidia/cuda:12.4.x-runtime-OS
