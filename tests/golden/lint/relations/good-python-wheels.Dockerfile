FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04
RUN apt-get update && apt-get install -y python3-pip libgomp1
RUN pip3 install llama-cpp-python[server] --extra-index-url https://abetlen.github.io/llama-cpp-python/whl/cu124
CMD ["python3", "-m", "llama_cpp.server", "--host", "0.0.0.0"]

# finds nothing
