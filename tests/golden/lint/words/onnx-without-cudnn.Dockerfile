FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04
RUN apt-get update && apt-get install -y python3 python3-pip
RUN pip3 install onnxruntime-gpu==1.20.1 fastapi uvicorn
COPY app.py /app.py
CMD ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8000"]
# finds
# 3 warning onnxruntime-gpu==1.20.1 does not find CUDA | an image with -cudnn- in its tag
