FROM nvidia/cuda:12.4.1-devel-ubuntu22.04
ENV TORCH_CUDA_ARCH_LIST="8.6;12.0"
RUN apt-get update && apt-get install -y python3 python3-pip git
RUN pip3 install torch==2.6.0
RUN git clone https://github.com/vllm-project/vllm && cd vllm && pip3 install --no-build-isolation .
CMD ["vllm", "serve", "Qwen/Qwen3-8B"]
# finds
# 2 error TORCH_CUDA_ARCH_LIST=8.6;12.0 cannot be compiled with nvidia/cuda:12.4.1-devel-ubuntu22.04 of line 1 | a newer image (CUDA 12.8 or newer), or without sm_120; `bakehouse plan --gpu CARD` says what suits a card
# 5 warning https://github.com/vllm-project/vllm is not pinned | git fetch --depth 1 ADDRESS COMMIT, or a build context with a commit
