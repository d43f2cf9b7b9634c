"""PAD-UFES-20: skin lesions photographed with smartphones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from monai_fairtune.cohort.readers.files import find_images, paths_of
from monai_fairtune.cohort.readers.reader import About, FoundCohort, option
from monai_fairtune.cohort.readers.rows import Rows
from monai_fairtune.cohort.readers.tables import read_csv, recode, years

__all__ = ["PADUFES20"]

_COLUMNS = ("patient_id", "lesion_id", "age", "gender", "fitspatrick", "region", "diagnostic", "img_id", "biopsed")
_LABELS = {"BCC": "1", "MEL": "1", "SCC": "1", "NEV": "0", "SEK": "0"}
_SKIN_TYPES = {str(each): str(each) for each in range(1, 7)} | {"": ""}


@dataclass(frozen=True)
class PADUFES20:
    """PAD-UFES-20."""

    ack: Literal["benign", "malignant"] = option(
        "benign", "actinic keratosis, 730 images: benign, or malignant because it may become a carcinoma"
    )

    about: ClassVar[About] = About(
        name="pad_ufes_20",
        title="PAD-UFES-20, skin lesions photographed with smartphones",
        licence="CC BY 4.0",
        access="https://doi.org/10.17632/zr7vgbcyr2.1",
        citation="Pacheco, Lima, Salomao et al. Data in Brief 32, 106221 (2020)",
        layout="metadata.csv; the PNG files that its column img_id names, in any folders",
        label="1: BCC, MEL, SCC and, by option, ACK; 0: NEV, SEK and ACK",
        attributes={
            "sex": "female, male; blank for 804 images",
            "age": "years",
            "skin_type": "1 to 6, fitspatrick; blank for the same 804 images",
        },
        patients="patient_id",
        split="none is official",
        study=("sex", "age:60", "skin_type:1-2,3-6"),
        published={"images": 2298, "patients": 1373, "lesions": 1641},
    )

    def read(self, root: Path) -> FoundCohort:
        """Returns what is found below ``root``."""
        read, table = read_csv(root, ["metadata.csv"], _COLUMNS)
        images = find_images(root, (".png",))
        rows = Rows(
            read.assign(
                image=paths_of(read["img_id"], images),
                label=recode(read["diagnostic"], _LABELS | {"ACK": "1" if self.ack == "malignant" else "0"}),
                label_name=read["diagnostic"],
                sex=recode(read["gender"], {"FEMALE": "female", "MALE": "male", "": ""}),
                age=years(read["age"], zero_is_missing=True),
                skin_type=recode(read["fitspatrick"], _SKIN_TYPES),
            )
        )
        return rows.found(
            self.about,
            images=images,
            counts={
                "images": len(read),
                "patients": read["patient_id"].nunique(),
                "lesions": read["lesion_id"].nunique(),
            },
            tables=[table],
            also=["lesion_id", "region", "biopsed"],
        )
