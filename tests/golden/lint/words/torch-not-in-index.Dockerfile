FROM nvidia/cuda:12.1.1-devel-ubuntu22.04
RUN apt-get update && apt-get install -y python3 python3-pip git
RUN pip3 install torch==2.7.0 --index-url https://download.pytorch.org/whl/cu121
CMD ["python3", "serve.py"]
# finds
# 3 error torch==2.7.0 is not in the index cu121 | a release of torch that the index has, or another index (https://pytorch.org/get-started/previous-versions/)
