FROM vllm/vllm-openai:v0.8.5
ENV HF_HOME=/models
EXPOSE 8000
CMD ["vllm", "serve", "Qwen/Qwen2.5-7B-Instruct", "--port", "8000"]
# finds
# 4 error vllm is taken for an argument | leave the program out, or set an entrypoint
