# The main job in a container.
#   docker build -t lit_prune .                                                          (CPU)
#   docker build -t lit_prune --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .   (CUDA 13)
#   docker run --rm -v "$PWD/logs:/lit_prune/logs" lit_prune
# With CUDA add `--gpus all` to `docker run`; the trainer takes the GPU by itself.
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /lit_prune

RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" "torch>=2.9,<2.14"
COPY pyproject.toml README.md ./
COPY lit_prune lit_prune
COPY configs configs
RUN pip install --no-cache-dir ".[demo]"

ENTRYPOINT ["lit_prune"]
CMD ["fit", "--config", "configs/srnet_poe.yaml"]
