from dataclasses import dataclass
@dataclass(frozen=True)
class ComposeRequest:
    bars: int = 16
def compose(predict, requests, vocabulary):
    raise RuntimeError
