"""MIMIC-CXR-JPG: chest radiographs with findings read from reports, and their patients in MIMIC-IV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import pandas as pd

from monai_fairtune.cohort.ages import age_text
from monai_fairtune.cohort.readers.chexpert_labels import (
    FINDING_HELP,
    UNCERTAIN_HELP,
    Finding,
    Uncertain,
    column_of,
    finding_labels,
    name_findings,
)
from monai_fairtune.cohort.readers.conflicts import Conflict
from monai_fairtune.cohort.readers.files import find_images
from monai_fairtune.cohort.readers.mimic_iv import patient_table
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode

__all__ = ["MIMICCXRJPG"]

_VIEWS = {"AP": "frontal", "PA": "frontal", "LATERAL": "lateral", "LL": "lateral"}
_SPLITS = {"train": "train", "validate": "validation", "test": "test"}


@dataclass(frozen=True)
class MIMICCXRJPG:
    """MIMIC-CXR-JPG."""

    finding: Finding = option("no_finding", FINDING_HELP)
    uncertain: Uncertain = option("negative", UNCERTAIN_HELP)
    view: Literal["frontal", "lateral", "all"] = option(
        "frontal",
        "the views to keep: frontal is AP and PA, lateral is LATERAL and LL; all adds oblique and unnamed ones",
    )
    age: Literal["study", "anchor"] = option(
        "study", "in the year of the study, anchor_age plus the years since anchor_year; or anchor_age, one a patient"
    )
    race_conflict: Conflict = option(
        "missing", "the race of patients whose admissions record several: missing, or the one recorded most often"
    )

    about: ClassVar[About] = About(
        name="mimic_cxr_jpg",
        title="MIMIC-CXR-JPG, chest radiographs with findings read from reports, and their patients in MIMIC-IV",
        licence="PhysioNet Credentialed Health Data License 1.5.0",
        access="https://physionet.org/content/mimic-cxr-jpg",
        citation="Johnson, Pollard, Greenbaum et al. arXiv 1901.07042 (2019); MIMIC-IV: Johnson, Bulgarelli, Shen et "
        "al. Scientific Data 10, 1 (2023)",
        layout="mimic-cxr-2.0.0-metadata, -chexpert and -split as .csv.gz or .csv, files/ beside them; patients and "
        "admissions of MIMIC-IV, physionet.org/content/mimiciv, where sex, age and race are wanted",
        label="by option 1 is any finding and 0 none, or 1 is the one named: see finding",
        attributes={
            "sex": "gender of patients: F, M; only with MIMIC-IV",
            "age": "years, 91 standing for older than 89 in anchor_year; only with MIMIC-IV",
            "race": "White, Black, Asian, Hispanic, Other from race, or ethnicity, of admissions; unknown, declined "
            "and unable to obtain are missing; only with MIMIC-IV",
        },
        patients="subject_id",
        split="official: the table of splits",
        study=("sex", "age:60", "race"),
        published={"images": 377110, "studies with findings": 227827, "patients": 65379},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        column = column_of(self.finding)
        images, at = _read(root, "metadata", ["dicom_id", "subject_id", "study_id", "ViewPosition", "StudyDate"])
        findings, with_findings = _read(root, "chexpert", ["study_id", column.title()])
        splits, with_splits = _read(root, "split", ["dicom_id", "split"])
        read = images.merge(findings.drop_duplicates("study_id"), how="left", on="study_id", indicator="labelled")
        read = read.merge(splits.drop_duplicates("dicom_id"), how="left", on="dicom_id")
        folder = PurePosixPath(at).parent
        rows = Rows(
            read.assign(
                image=_image(folder, read),
                patient_id=read["subject_id"],
                view=read["ViewPosition"].map(_VIEWS).fillna("other"),
                projection=read["ViewPosition"],
            )
        )
        if self.view != "all":
            rows.drop(rows.table["view"] != self.view, f"the view is not {self.view}")
        rows.drop(rows.table["labelled"] != "both", "the study's report has no findings")
        rows.drop(rows.table["split"].isna(), "the table of splits does not name the image")
        labels = finding_labels(rows.table[column.title()], self.finding, self.uncertain)
        rows.table = rows.table.assign(label=labels, split=recode(rows.table["split"], _SPLITS))
        name_findings(rows, self.finding)
        tables = [at, with_findings, with_splits, *self._add_patients(root, rows)]
        return rows.found(
            self.about,
            images=find_images(root, (".jpg",), below=(folder / "files").as_posix()),
            counts={
                "images": len(images),
                "studies with findings": findings["study_id"].nunique(),
                "patients": images["subject_id"].nunique(),
            },
            tables=tables,
            also=["view", "projection"],
        )

    def _add_patients(self, root: Path, rows: Rows) -> tuple[str, ...]:
        """Adds sex, age and race, where the tables of MIMIC-IV are there, and returns these."""
        found = patient_table(root, self.race_conflict)
        if found is None:
            return ()
        patients, tables = found
        known = patients.reindex(rows.table["patient_id"]).reset_index(drop=True)
        age = known["anchor_age"]
        if self.age == "study":
            age = age + pd.to_numeric(rows.table["StudyDate"].str[:4], errors="coerce") - known["anchor_year"]
        rows.table = rows.table.assign(
            sex=known["sex"].fillna(""), age=age.map(age_text), race=known["race"].fillna("")
        )
        return tables


def _read(root: Path, part: str, columns: list[str]) -> tuple[pd.DataFrame, str]:
    name = f"mimic-cxr-2.0.0-{part}.csv"
    return read_csv(root, [f"{name}.gz", name], columns, further=())


def _image(folder: PurePosixPath, read: pd.DataFrame) -> pd.Series[str]:
    subject, study = read["subject_id"], read["study_id"]
    path = "files/p" + subject.str[:2] + "/p" + subject + "/s" + study + "/" + read["dicom_id"] + ".jpg"
    return path if folder == PurePosixPath() else f"{folder}/" + path
