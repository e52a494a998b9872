FROM nvidia/cuda:11.8.0-devel-ubuntu22.04
RUN apt-get update && apt-get install -y python3-pip git build-essential
RUN CMAKE_ARGS="-DLLAMA_CUBLAS=on" FORCE_CMAKE=1 pip3 install llama-cpp-python==0.3.9 --no-cache-dir
CMD ["python3","-m","llama_cpp.server","--model","/m.gguf"]
# finds
# 3 error -DLLAMA_CUBLAS=on stops CMake | GGML_CUDA=on
# 3 error llama-cpp-python==0.3.9 comes without what its server needs | llama-cpp-python[server]==0.3.9
# 3 note llama-cpp-python==0.3.9 is checked against llama.cpp 0c1e57098
