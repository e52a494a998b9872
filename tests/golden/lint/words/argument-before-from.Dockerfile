ARG UBUNTU=24.04
ARG LLAMA_TAG=b11312
ARG JOBS=4
FROM ubuntu:${UBUNTU}
ARG JOBS
RUN apt-get update && apt-get install -y git g++ make cmake
RUN git clone https://github.com/ggml-org/llama.cpp /llm && git -C /llm checkout ${LLAMA_TAG}
RUN cmake -S /llm -B /llm/build -DGGML_NATIVE=OFF && cmake --build /llm/build -j ${JOBS}
LABEL ubuntu="${UBUNTU:-unknown}"
USER 1000:1000
# finds
# 7 error ${LLAMA_TAG} is empty here | ARG LLAMA_TAG after FROM, without a value: it then takes the one from above
# 7 note https://github.com/ggml-org/llama.cpp is checked against llama.cpp 0c1e57098
