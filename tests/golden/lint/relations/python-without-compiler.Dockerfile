FROM python:3.12-slim-bookworm
ENV CMAKE_ARGS="-DGGML_NATIVE=OFF"
RUN pip install llama-cpp-python[server]==0.3.36
USER 10001:10001
CMD ["python", "-m", "llama_cpp.server"]

# finds
# error 3 needs g++, which its stage lacks
