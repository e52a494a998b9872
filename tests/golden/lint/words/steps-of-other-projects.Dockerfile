FROM ubuntu:24.04
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/apache/arrow.git /arrow && cmake -S /arrow/cpp -B /arrow/build -DARROW_CUDA=ON -DUSE_HIP=ON
RUN git clone https://github.com/ggml-org/llama.cpp /llm && git -C /llm checkout 0c1e57098
RUN cmake -S /llm -B /llm/build -DGGML_NATIVE=OFF -DUSE_HIP=ON
USER 1000:1000
ENTRYPOINT ["/router"]
# finds
# 3 warning https://github.com/apache/arrow.git is not pinned | git fetch --depth 1 ADDRESS COMMIT, or a build context with a commit
# 5 error -DUSE_HIP=ON is called GGML_HIP today | GGML_HIP=ON
