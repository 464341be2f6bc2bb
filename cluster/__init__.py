"""Ray Train and DeepSpeed: training on many workers."""
