"""What DeepSpeed shares out among the workers, as typed and frozen values, and the JSON that they become."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

from metaart.errors import UserError
from metaart.options import option, options

Precision = Literal["fp32", "bf16", "fp64"]
Offload = Literal["none", "optimizer", "weights"]


@options(section="deepspeed")
class DeepSpeedConfig:
    """What DeepSpeed shares out among the workers."""

    zero_stage: Literal[0, 1, 2, 3] = option(
        default=1,
        help="0 shares nothing, 1 the optimizer's state, 2 the gradients too, 3 the weights too; all give the same "
        "steps, and a checkpoint of one goes on at any other",
    )
    persistence_threshold: int = option(
        default=100_000,
        ge=0,
        help="at stage 3, weights of fewer numbers than this stay whole on every worker between steps; 0 shares out "
        "every weight",
    )
    precision: Precision = option(
        default="fp32",
        help="of weights, gradients and what is computed; with bf16 the optimizer moves copies in fp32, which are what "
        "a checkpoint holds; fp64 is for comparing runs, at stage 0",
    )
    micro_batches: int = option(
        default=1,
        ge=1,
        help="parts that each worker's share of a batch of tasks is taken in, one after the other, before the weights "
        "move: memory for time",
    )
    offload: Offload = option(
        default="none",
        help="what lies in the CPU's memory while a GPU does not need it: the optimizer's state, or at stage 3 the "
        "weights too",
    )
    own: str = option(
        default="",
        help="the text of a DeepSpeed JSON file that takes the place of what these values would say; see from_file",
    )

    def __post_init__(self) -> None:
        stage = self.zero_stage
        for good, expected, wanted in (
            (self.precision != "bf16" or stage > 0, "1, 2 or 3 for bf16, which keep weights in fp32 too", 1),
            (self.precision != "fp64" or stage == 0, "0 for fp64: DeepSpeed shares out fp32 alone", 0),
            (self.offload == "none" or stage > 0, "1, 2 or 3 to offload the optimizer's state", 2),
            (self.offload != "weights" or stage == 3, "3 to offload weights", 3),
        ):
            if not good:
                raise UserError(
                    expected=f"deepspeed.zero_stage {expected}",
                    got=str(stage),
                    fix=f"Use --set deepspeed.zero_stage={wanted}.",
                )
        # Both only agree where `from_file` set them: whoever sets one beside a file would be passed over without a
        # word.
        if self.own and derived(self.own) != (stage, self.precision, self.micro_batches, self.offload):
            raise UserError(
                expected="DeepSpeed's own JSON file, or --set deepspeed.KEY=VALUE",
                got="both",
                fix="Change the file, or leave --deepspeed out.",
            )


def from_file(path: Path) -> DeepSpeedConfig:
    """A user's own DeepSpeed JSON.

    What decides how we use the engine is read from it: zero_optimization.stage and its offloads, bf16.enabled,
    gradient_accumulation_steps. The optimizer, its rates and the batches remain the run's.

    Raises:
        UserError: unreadable, no JSON object, or one that would take these from the run.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            expected="a DeepSpeed JSON file", got=f"{path}: {error}", fix="Give --deepspeed FILE."
        ) from error
    stage, precision, micro_batches, offload = derived(text)
    return DeepSpeedConfig(
        zero_stage=stage, precision=precision, micro_batches=micro_batches, offload=offload, own=text
    )


def derived(text: str) -> tuple[Literal[0, 1, 2, 3], Precision, int, Offload]:
    """(zero_stage, precision, micro_batches, offload) of a DeepSpeed JSON.

    Raises:
        UserError: see `from_file`.
    """
    try:
        own = json.loads(text)
        zero: Any = own.get("zero_optimization", {})
        stage, micro_batches = zero.get("stage", 0), own.get("gradient_accumulation_steps", 1)
        taken = [key for key in ("optimizer", "scheduler", "train_batch_size") if key in own]
        taken += ["train_micro_batch_size_per_gpu"] * (own.get("train_micro_batch_size_per_gpu", 1) != 1)
        taken += ["fp16"] * bool(own.get("fp16", {}).get("enabled"))
        if stage not in (0, 1, 2, 3) or not isinstance(micro_batches, int):
            raise ValueError(f"zero_optimization.stage={stage!r}, gradient_accumulation_steps={micro_batches!r}")
        bf16 = bool(own.get("bf16", {}).get("enabled"))
        offload: Offload = "optimizer" if _offloads(zero, "offload_optimizer") else "none"
    except (ValueError, AttributeError) as error:
        raise UserError(
            expected="a DeepSpeed JSON object", got=str(error)[:200], fix="Start from what --dry-run prints."
        ) from error
    if taken:
        raise UserError(
            expected="a DeepSpeed JSON without optimizer, scheduler, fp16 and batch sizes, which the run decides",
            got=f"one with {', '.join(taken)}",
            fix="Leave them out and set meta.optimizer, meta.outer_lr, meta.tasks and meta.clip_norm.",
        )
    return stage, "bf16" if bf16 else "fp32", micro_batches, "weights" if _offloads(zero, "offload_param") else offload


def settings(numbers: int, clip_norm: float, config: DeepSpeedConfig) -> dict[str, Any]:
    """DeepSpeed's own configuration.

    Args:
        numbers: of the model, all parameters together. Buckets are no larger than the model, whose gradients they
            hold; even, as DeepSpeed asks.
        clip_norm: norm above which the gradient is scaled down; 0 is off.
        config: what is shared out.

    Raises:
        UserError: a file of the user's own clips to another norm than the run.
    """
    # A micro batch is what the engine is called with, whatever its number of tasks. The optimizer is PyTorch's own,
    # which DeepSpeed would refuse in places: its own ones have to be compiled first.
    always = {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": config.micro_batches,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    }
    # Left out, DeepSpeed clips to norm 1.
    if config.own:
        own = json.loads(config.own)
        if clip_norm and own.get("gradient_clipping", clip_norm) != clip_norm:
            raise UserError(
                expected=f"gradient_clipping {clip_norm:g}, as clip_norm of the run says",
                got=f"{own['gradient_clipping']} in DeepSpeed's own JSON",
                fix="Leave one of the two out.",
            )
        # The file has the last word: what is the run's to say was refused before (`derived`).
        return {**always, "gradient_clipping": clip_norm, **own}
    bucket = 2 * math.ceil(numbers / 2)
    zero: dict[str, Any] = {
        "stage": config.zero_stage,
        "reduce_bucket_size": bucket,
        "allgather_bucket_size": bucket,
        "stage3_prefetch_bucket_size": bucket,
        "stage3_param_persistence_threshold": config.persistence_threshold,
    }
    if config.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if config.offload == "weights":
        zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    chosen = {**always, "gradient_clipping": clip_norm, "zero_optimization": zero}
    return chosen | ({"bf16": {"enabled": True}} if config.precision == "bf16" else {})


def _offloads(zero: dict[str, Any], key: str) -> bool:
    return bool(zero.get(key, {}).get("device", "none") != "none")
