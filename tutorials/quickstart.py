# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a folder of images and a CSV to a report
#
# You have images, labels and recorded sensitive attributes. You want to know **which components of a pretrained
# network to fine-tune** so that the worst-off subgroup of *unseen* patients is served best, and you want evidence.
# This notebook goes the whole way in about two minutes on two CPU cores, without network access. For a cohort of your
# own, change `manifest`, `attribute`, `backbone` and `weights`; everything else stays as it is.
#
# ## 1. A folder and a table
#
# A cohort is a CSV with one row an image: `image` (path), `label` (0 or 1), `patient_id`, and a column for each
# sensitive attribute, blank where missing. PNG, JPEG, TIFF, DICOM, NIfTI and NPY files are read. Here a synthetic
# cohort takes the place of yours: PNG and DICOM files in which patients from 60 on are rarer and show the finding
# differently (`docs/synthetic_cohort.md`).

# %%
import os
import tempfile
from pathlib import Path

import pandas as pd

from monai_fairtune.cohort import write_synthetic_cohort

folder = Path(os.environ.get("QUICKSTART_DIR") or tempfile.mkdtemp(prefix="fairtune-"))
manifest = write_synthetic_cohort(folder / "cohort")
pd.read_csv(manifest).head()

# %% [markdown]
# ## 2. Look before you train
#
# `check` decodes every image, looks for patients and files that are in two splits, counts subgroups, and says the
# smallest AUROC gap that the test split can show. On the command line it is
# `monai-fairtune check MANIFEST --attribute age:60`.
#
# `age:60` declares two subgroups: `[0,60)` and `[60,inf)`. Other forms: `sex`, `skin_type:1-2,3-6`, `sex*age:60`. The
# table has no column `split`, so the splits are drawn by patient: 35 % train, 40 % validation (half of which becomes
# the selection split), 25 % test.

# %%
from monai_fairtune.cohort import check_manifest
from monai_fairtune.subgroups import SensitiveAttribute

split_fractions = [0.35, 0.4, 0.25]
check = check_manifest(manifest, SensitiveAttribute.parse_all("age:60"), split_fractions=split_fractions)
print(check.to_text())

# %% [markdown]
# ## 3. Search
#
# This is what `python -m monai.bundle run --config_file .../search.yaml --manifest ...` does. The fixed methods that
# everyone would compare with (head only, full fine-tuning, bias, norm, attention) are trained first; then Optuna
# proposes masks; the best are retrained with fresh seeds and compared on a selection split; the test split is read
# once. Run the cell again after an interruption: it goes on where it was.
#
# A real study needs more trials and epochs than this cell, which is cut short to run in a minute.

# %%
from monai.bundle import ConfigWorkflow

from monai_fairtune.cli.bundle_files import config_file
from monai_fairtune.masks import TINY_VIT_WEIGHTS

search = ConfigWorkflow(
    config_file=str(config_file("search.yaml")),
    logging_file=False,
    manifest=str(manifest),
    attribute="age:60",
    split_fractions=split_fractions,
    backbone="monai_fairtune.masks.tiny_vit",
    weights=str(TINY_VIT_WEIGHTS),
    image_size=48,
    max_epochs=2,
    n_trials=7,
    n_finalists=2,
    n_seeds=1,
    output_dir=str(folder / "output"),
)
search.initialize()
search.run()
search.finalize()

# %% [markdown]
# ## 4. What was found
#
# `result.json` holds everything; `report.html` shows it. The anchors and the found mask, on test:

# %%
import json

result = json.loads((folder / "output" / "result.json").read_text())
methods = [*result["anchors"], {"name": result["method"], **result}]
pd.DataFrame(
    {
        "method": [method["name"] for method in methods],
        "trained share": [method["trained_share"] for method in methods],
        "overall AUROC": [method["test"]["overall"]["auroc"]["value"] for method in methods],
        "worst-group AUROC": [
            method["test"]["attributes"]["age:60"]["worst_group_auroc"]["value"] for method in methods
        ],
        "AUROC gap": [method["test"]["attributes"]["age:60"]["auroc_gap"]["value"] for method in methods],
    }
).round(3)

# %%
print("tuned:", [name for name, is_tuned in result["mask"]["components"].items() if is_tuned])
print("report:", folder / "output" / "report.html")

# %% [markdown]
# ## 5. What the folder holds
#
# `mask.json` and `model.safetensors` (the tuned parameters alone, bound to the backbone's SHA-256) are what
# `train.yaml`, `evaluate.yaml` and `inference.yaml` of the bundle start from; `study.db` opens in optuna-dashboard.
# We assess and mitigate differences between subgroups; small differences on few patients prove nothing, and the
# report says which ones are small.

# %%
sorted(path.name for path in (folder / "output").iterdir() if not path.name.startswith("."))
