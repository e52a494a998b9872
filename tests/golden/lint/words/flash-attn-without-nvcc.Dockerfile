FROM python:3.11-slim
RUN apt-get update && apt-get install -y git build-essential
RUN pip install torch==2.4.0
RUN pip install flash-attn==2.6.3 --no-build-isolation --no-binary flash-attn
CMD ["python", "-m", "vllm.entrypoints.openai.api_server"]
# finds
# 4 error flash-attn==2.6.3 needs nvcc, which its stage lacks | an image nvidia/cuda:VERSION-devel-OS for this stage
