"""FairTune in one file, without this package: which blocks of a pretrained network should be tuned?

Run it: ``python tutorials/mini_fairtune.py`` (half a minute). The idea, in the order of the code:

1. Patients come in two subgroups; the second is rarer and shows the finding in other features.
2. A network was pretrained on another task. Tuning all of it fits the training patients perfectly, in both subgroups;
   the subgroups differ on *unseen* patients only. That is the fairness generalization gap.
3. So an outer loop chooses which blocks to tune (a mask) by the worst-group AUROC on validation patients,
   an inner loop trains what the mask allows, and the test patients are looked at once.

Paper: Dutt et al., ICLR 2024, arXiv 2310.05055. The package adds what a study needs to be believed.
"""

import numpy as np
import optuna
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

N_FEATURES, WIDTH, N_BLOCKS = 40, 32, 6


def patients(n, seed):
    """Features, labels and subgroups: one patient in five belongs to subgroup 1."""
    rng = np.random.default_rng(seed)
    label, group = rng.integers(0, 2, n), (rng.random(n) < 0.2).astype(int)
    features = rng.normal(size=(n, N_FEATURES))
    features[:, :4] += np.where(group == 0, 1.0, 0.2)[:, None] * (label[:, None] - 0.5)
    features[:, 4:8] += np.where(group == 1, 1.0, 0.0)[:, None] * (label[:, None] - 0.5)
    return torch.tensor(features, dtype=torch.float32), torch.tensor(label), group


class Network(nn.Module):
    """Residual blocks between a stem and a head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(N_FEATURES, WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 64), nn.GELU(), nn.Linear(64, WIDTH))
            for _ in range(N_BLOCKS)
        )
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def fit(network, x, y, parameters, learning_rate, n_steps, seed):
    """Ordinary risk minimisation over the given parameters."""
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_steps):
        batch = torch.randint(len(x), (64,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    return network


def pretrain():
    """Another task on the same kind of features: is their sum positive?"""
    torch.manual_seed(0)
    x, _, _ = patients(4000, seed=99)
    network = Network()
    return fit(network, x, (x.sum(1) > 0).long(), network.parameters(), 1e-3, 300, seed=0).state_dict()


def tune(pretrained, mask, learning_rate, data, seed=0):
    """The inner loop: the head always trains, a block trains where the mask says so."""
    torch.manual_seed(seed)
    network = Network()
    head = {name: tensor for name, tensor in network.state_dict().items() if name.startswith("head")}
    network.load_state_dict({**pretrained, **head})
    parameters = [*network.head.parameters()]
    for block, is_tuned in zip(network.blocks, mask, strict=True):
        block.requires_grad_(is_tuned)
        parameters += [*block.parameters()] if is_tuned else []
    return fit(network, data[0], data[1], parameters, learning_rate, 250, seed)


def group_aurocs(network, data):
    """AUROC of each subgroup over a whole split: never an average over batches."""
    logits = network(data[0]).detach()
    score, label = (logits[:, 1] - logits[:, 0]).numpy(), data[1].numpy()
    return [roc_auc_score(label[data[2] == group], score[data[2] == group]) for group in (0, 1)]


def main(n_trials=25):
    """The outer loop, and one look at the test patients."""
    train, validation, test = patients(300, seed=1), patients(2000, seed=2), patients(4000, seed=3)
    pretrained = pretrain()

    def objective(trial):
        mask = [trial.suggest_categorical(f"block {i}", [False, True]) for i in range(N_BLOCKS)]
        rate = trial.suggest_float("learning rate", 1e-4, 1e-2, log=True)
        return min(group_aurocs(tune(pretrained, mask, rate, train), validation))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    for bit in (False, True):  # the two fixed methods that everyone would compare with
        study.enqueue_trial({f"block {i}": bit for i in range(N_BLOCKS)} | {"learning rate": 1e-3})
    study.optimize(objective, n_trials=n_trials)

    found = [study.best_params[f"block {i}"] for i in range(N_BLOCKS)]
    answers = {}
    fixed = [("head only", [False] * N_BLOCKS, 1e-3), ("all blocks", [True] * N_BLOCKS, 1e-3)]
    for name, mask, rate in [*fixed, ("found mask", found, study.best_params["learning rate"])]:
        network = tune(pretrained, mask, rate, train, seed=1)
        answers[name] = (group_aurocs(network, train), group_aurocs(network, test))
        print(f"{name:10s}  AUROC (common, rare subgroup) on train, test:", np.round(answers[name], 3).tolist())
    return answers


if __name__ == "__main__":
    main()
