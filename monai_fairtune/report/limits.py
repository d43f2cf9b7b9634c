"""The method in five sentences, what cannot be concluded, and what the words mean."""

from __future__ import annotations

from monai_fairtune.report.cautions import has_intervals
from monai_fairtune.report.reading import Reading
from monai_fairtune.report.wording import enumerate_words, objective_words, shorten

__all__ = ["assessment_words", "limits", "method_sentences", "words"]


def method_sentences(reading: Reading) -> list[str]:
    """Returns how the answer was found, in five sentences."""
    study = reading.raw.get("study") or {}
    anchors = enumerate_words([f"“{shorten(anchor.name, 40)}”" for anchor in reading.anchors]) or "no fixed method"
    n_seeds = study.get("n_seeds")
    seeds = f"{n_seeds} fresh seeds" if n_seeds and n_seeds > 1 else "a fresh seed"
    return [
        "A pretrained network is divided into components, and a mask says which of them are tuned on the training "
        "split; the head is always tuned, everything else stays as it was pretrained.",
        f"The fixed methods that everyone would compare with ({anchors}) are the first trials of the search.",
        f"Optuna then proposes masks and learning rates; each is trained by ordinary risk minimisation and judged by "
        f"its {objective_words(reading.objective)} on the validation split, and trials below the utility floor on "
        "overall AUROC cannot win.",
        f"The best trials, the finalists, are trained again with {seeds}, and the one with the best mean on the "
        "selection split, which the search has not seen, is the answer.",
        "The test split is read at the end, for the final model and for the fixed methods; the threshold for class 1 "
        "comes from validation.",
    ]


def limits(reading: Reading) -> list[str]:
    """Returns what the numbers do not show."""
    study = reading.raw.get("study") or {}
    n_seeds = study.get("n_seeds") or max(
        (len(f.get("selection_values") or []) for f in reading.raw.get("finalists") or []), default=1
    )
    found = [
        "That the model treats everybody alike, or may be used in care. This report assesses differences between the "
        "recorded subgroups and a method to mitigate them; it does not certify their absence.",
        _small_differences(reading),
        "That the mask would help in another hospital, on another device, or for another network: one cohort and one "
        "network were used.",
        "That differences come from the attribute itself: age, sex or skin type may stand for other things, such as "
        "disease stage, device or image quality.",
        "Anything about attributes that were not declared, or about images whose attribute is not recorded.",
        "That the threshold suits a clinic: it balances TPR and FPR on validation, not harms and benefits.",
    ]
    if n_seeds and n_seeds > 1 and reading.anchors:
        found.insert(
            2,
            f"That the comparison is exact: the final model is the best of {n_seeds} seeds on selection, while the "
            "fixed methods were trained with one seed each; this favours the final model a little.",
        )
    return found


def words() -> list[tuple[str, str]]:
    """Returns the words of the report and what they mean."""
    return [
        ("AUROC", "how often the model scores an image of class 1 above one of class 0; 0.5 is guessing, 1 is perfect"),
        ("subgroup", "the images of patients who share one value of a sensitive attribute"),
        ("worst-group AUROC", "the lowest AUROC among the subgroups of an attribute; higher is better"),
        ("AUROC gap", "highest minus lowest subgroup AUROC; lower is better, yet zero if all are served equally badly"),
        ("TPR, FPR", "share of class 1 found, and share of class 0 called class 1, at the threshold"),
        ("equalized odds difference", "the larger of the TPR and FPR differences between subgroups; lower is better"),
        ("fairness generalization gap", "a fairness measure on test minus the same on train"),
        (
            "Brier, ECE",
            "how far probabilities are from what happened; lower is better; ECE reads high in small subgroups",
        ),
        (
            "missed, false alarms",
            "images of class 1 called 0, and of class 0 called 1, per 1000 images of the subgroup",
        ),
        ("component, mask", "a named set of parameters; the choice of components that are tuned, the others frozen"),
        ("trained share", "share of the network's parameters that were tuned"),
        (
            "validation, selection, test",
            "the data on which masks were found, finalists compared, and the answer measured",
        ),
        ("minimum detectable gap", "the smallest true AUROC difference that these counts show with a power of 80 %"),
    ]


def _small_differences(reading: Reading) -> str:
    first = "That a small difference between methods or subgroups is real"
    if has_intervals(reading.final.reports.get("test") or {}):
        return (
            f"{first}, where its interval includes zero. Intervals describe the patients of the test split and not the "
            "luck of one training: another seed may move a value by more."
        )
    return (
        f"{first}: neither intervals nor tests of differences were computed, and the AUROC gap of small subgroups is "
        "above zero by chance alone."
    )


def assessment_words() -> list[tuple[str, str]]:
    """Returns the words of an assessment and what they mean."""
    shared = [pair for pair in words() if pair[0] in _SHARED]
    return [
        *shared,
        ("PPV, NPV", "share of images called class 1 that are, and of those called class 0 that are"),
        ("FNR, underdiagnosis rate", "share of class 1 that is missed: 1 minus TPR; the overdiagnosis rate is the FPR"),
        ("TPR at specificity 0.90", "share of class 1 found where each subgroup's own FPR is 0.10"),
        (
            "calibration intercept, slope",
            "0 and 1 where probabilities are right; a slope below 1: they are too extreme",
        ),
        ("95 % interval", "would hold the true value in 95 of 100 such samples of patients"),
        ("p by permutation", "how often chance alone gives a gap as large, subgroups exchanged among patients"),
        ("Holm, max-T", "p-values corrected for the number of pairs of an attribute"),
    ]


_SHARED = (
    "AUROC",
    "subgroup",
    "worst-group AUROC",
    "AUROC gap",
    "TPR, FPR",
    "equalized odds difference",
    "Brier, ECE",
    "missed, false alarms",
    "minimum detectable gap",
)
