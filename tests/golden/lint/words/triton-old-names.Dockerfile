FROM nvcr.io/nvidia/tritonserver:24.08-py3
COPY models /models
EXPOSE 8000 8001 8002
CMD ["tritonserver", "--model-store=/models", "--strict-model-config=false"]
# finds
# 4 warning --model-store is an option of older releases of Triton | --model-repository
# 4 warning --strict-model-config is an option of older releases of Triton | --disable-auto-complete-config, where nothing is to be completed
