FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip install onnxruntime-gpu==1.20.1 onnxruntime==1.20.1 rembg
# finds
# 3 warning onnxruntime==1.20.1 takes the place of onnxruntime-gpu | onnxruntime-gpu alone
