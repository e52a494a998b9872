FROM nvidia/cuda:12.9.1-devel-ubuntu24.04
ENV GGML_CUDA=1
COPY . /app
WORKDIR /app
RUN make base.en
# finds
# 2 note GGML_CUDA=1 is an option of CMake, not a variable | -DGGML_CUDA=1 on CMake's command line
