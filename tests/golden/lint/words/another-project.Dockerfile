FROM nvidia/cuda:12.9.1-devel-ubuntu24.04 AS build
RUN apt-get update && apt-get install -y libcurl4-openssl-dev cmake g++ make git
ENV CUDA_ARCHITECTURES=86
COPY . /raft
RUN cmake -S /raft -B /raft/build -DRAFT_COMPILE_LIBRARIES=ON -DBUILD_TESTS=OFF
FROM nvidia/cuda:12.9.1-runtime-ubuntu24.04
COPY --from=build /raft/build/lib /usr/local/lib
# finds
# 6 warning nvidia/cuda:12.9.1-runtime-ubuntu24.04 runs as root | USER 65532:65532, in numbers
