FROM vllm/vllm-openai:v0.9.1
RUN useradd -u 10001 app
USER app
ENV HF_HOME=/root/.cache/huggingface
ENTRYPOINT ["vllm","serve","Qwen/Qwen3-8B"]
# finds
# 4 error HF_HOME=/root/.cache/huggingface is a folder that user app may not enter | a folder that belongs to the user: /home/USER/..., or /models
