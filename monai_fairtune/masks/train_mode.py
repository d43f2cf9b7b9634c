"""Which modules train and which only run."""

from __future__ import annotations

from torch import nn

__all__ = ["trained_modules"]


def trained_modules(network: nn.Module, tuned: frozenset[str]) -> frozenset[str]:
    """Returns the paths of the modules that belong into train mode when the parameters ``tuned`` are trained.

    A module trains where it, or something in it, holds a tuned parameter. A module without parameters, such as
    dropout, follows its nearest ancestor that has some. So dropout is off in frozen blocks, and a BatchNorm with
    frozen weights keeps its running statistics.

    Args:
        network: whose modules to sort.
        tuned: names of the trained parameters.

    Returns:
        Paths as in ``network.named_modules()``; the network itself is ``""``.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Dropout()))
        >>> sorted(trained_modules(network, frozenset({"0.weight"})))
        ['', '0']
        >>> sorted(trained_modules(network, frozenset({"1.0.bias"})))
        ['', '1', '1.0', '1.1']
    """
    identities = {id(parameter) for name, parameter in network.named_parameters() if name in tuned}
    parameterised: set[str] = {""}
    trained: set[str] = set()
    for name, parameter in network.named_parameters(remove_duplicate=False):
        paths = _ancestors(name)
        parameterised |= paths
        trained |= paths if id(parameter) in identities else set()
    for path, _ in network.named_modules():
        if path not in parameterised and path.rpartition(".")[0] in trained:
            trained.add(path)
    return frozenset(trained)


def _ancestors(parameter: str) -> set[str]:
    pieces = parameter.split(".")[:-1]
    return {".".join(pieces[:end]) for end in range(len(pieces) + 1)}
