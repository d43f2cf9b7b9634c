"""What a model says of a study, as a DICOM structured report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from monai_fairtune.deploy.classifier import ImageClassifier
from monai_fairtune.deploy.dicom.header import PATIENT_AND_STUDY
from monai_fairtune.deploy.dicom.identifiers import code_of, derived_uid

__all__ = ["CODING_SCHEME", "AnsweredImage", "build_report", "encode_report"]

CODING_SCHEME = "99MONAIFAIRTUNE"
"""The designator of codes that no standard has; ``docs/dicom.md`` lists them."""

_MAKER = "monai-fairtune"
_LONGEST = 64  # characters of a code's meaning and of other short texts
_SERIES_NUMBER = 9000


@dataclass(frozen=True)
class AnsweredImage:
    """An image and what the model says of it.

    Attributes:
        identity: the header's elements of ``IDENTITY``.
        frame: the number of the frame that was looked at, from 1; None where there is one only.
        probability: of class 1, in [0, 1].
    """

    identity: Mapping[str, str] = field(repr=False)
    frame: int | None
    probability: float


def build_report(images: Sequence[AnsweredImage], classifier: ImageClassifier, *, is_complete: bool) -> Any:
    """Returns a Comprehensive 3D SR, template TID 1500: preliminary and unverified, in a series of its own.

    For each image it holds the probability of class 1, the threshold, the class that follows, the algorithm with its
    version and the SHA-256 of its weights, and a reference to the image. Its UIDs depend on the study, the model, the
    threshold, the images and ``is_complete`` alone, so that the same answer has the same UID.

    Args:
        images: of one study and patient, at least one.
        classifier: the model that answered.
        is_complete: whether every image of the study that was given has an answer; else the report says PARTIAL.

    Returns:
        A pydicom dataset, ready to be saved or sent.
    """
    import highdicom as hd
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from pydicom.sr.codedict import codes

    images = sorted(images, key=lambda image: image.identity["SOPInstanceUID"])
    model = classifier.identity
    uid, series = _uids(images, classifier, is_complete=is_complete)
    content = hd.sr.MeasurementReport(
        observation_context=_observer(classifier),
        procedure_reported=codes.SCT.ImagingProcedure,
        title=codes.DCM.ImagingMeasurementReport,
        imaging_measurements=[_group(image, classifier, uid, number) for number, image in enumerate(images, start=1)],
    )
    report = hd.sr.Comprehensive3DSR(
        evidence=[_evidence(image) for image in images],
        content=content,
        series_instance_uid=series,
        series_number=_SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=1 + int(uid.rpartition(".")[2]) % 10**9,  # reports on parts of a study share the series
        manufacturer=_MAKER,
        manufacturer_model_name=model.name[:_LONGEST],
        software_versions=model.version[:_LONGEST],
        device_serial_number=model.sha256[:_LONGEST],
        series_description=f"{model.name[:40]}: preliminary",
        is_complete=is_complete,
        specific_character_set="ISO_IR 192",
        coding_schemes=[CodingSchemeIdentificationItem(CODING_SCHEME, responsible_organization=_MAKER)],
    )
    _name_patient(report, images[0].identity)
    return report


def encode_report(report: Any) -> bytes:
    """Returns a report as the content of a DICOM file."""
    stream = BytesIO()
    report.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _name_patient(report: Any, identity: Mapping[str, str]) -> None:
    """Writes patient and study as the image has them, verbatim and unchecked.

    A report whose patient differs from the image's by a blank reaches the wrong folder.
    """
    for keyword in PATIENT_AND_STUDY:
        if identity[keyword]:
            setattr(report, keyword, identity[keyword])


def _uids(images: Sequence[AnsweredImage], classifier: ImageClassifier, *, is_complete: bool) -> tuple[str, str]:
    """Returns the UIDs of the report on images, which are in order, and of its series."""
    model, study = classifier.identity, images[0].identity["StudyInstanceUID"]
    who = (model.name, model.version, model.sha256)
    seen = [f"{image.identity['SOPInstanceUID']}/{image.frame or ''}" for image in images]
    how = (repr(classifier.threshold), *classifier.class_names, str(is_complete))
    return derived_uid("report", study, *who, *how, *seen), derived_uid("series", study, *who)


def _group(image: AnsweredImage, classifier: ImageClassifier, report_uid: str, number: int) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    model, positive = classifier.identity, classifier.class_names[1]
    called = classifier.class_names[int(image.probability >= classifier.threshold)]
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=derived_uid("image", report_uid, str(number)), identifier=f"Image {number}"
        ),
        algorithm_id=hd.sr.AlgorithmIdentification(
            name=model.name,
            version=model.version,
            parameters=[f"SHA-256 of the weights: {model.sha256}"],
            family=codes.DCM.ArtificialIntelligence,
            manufacturer=_MAKER,
        ),
        measurements=[
            _number(_own_code(code_of("PROB", positive), f"Probability of {positive}"), image.probability),
            _number(codes.DCM.ThresholdValue, classifier.threshold),
        ],
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(
                name=_own_code("CLASS", "Class at the threshold"), value=_own_code(code_of("CLASS", called), called)
            )
        ],
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(
                referenced_sop_class_uid=image.identity["SOPClassUID"],
                referenced_sop_instance_uid=image.identity["SOPInstanceUID"],
                referenced_frame_numbers=None if image.frame is None else [image.frame],
            )
        ],
    )


def _number(name: Any, value: float) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    return hd.sr.Measurement(name=name, value=value, unit=codes.UCUM.NoUnits)


def _own_code(value: str, meaning: str) -> Any:
    """Returns a code of ours; a backslash, which would split the meaning, becomes a slash, and nothing the value."""
    import highdicom as hd

    shown = meaning.replace("\\", "/")[:_LONGEST].strip() or value
    return hd.sr.CodedConcept(value=value, scheme_designator=CODING_SCHEME, meaning=shown)


def _observer(classifier: ImageClassifier) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    model = classifier.identity
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", model.name, model.version, model.sha256),
        name=model.name,
        manufacturer_name=_MAKER,
        model_name=model.name,
        serial_number=model.sha256,
    )
    return hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, observer_identifying_attributes=device)
    )


def _evidence(image: AnsweredImage) -> Any:
    """Returns an image as highdicom refers to it, without a patient, whose name it would check and write to a log."""
    from pydicom.dataset import Dataset

    dataset = Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        setattr(dataset, keyword, image.identity[keyword])
    for keyword in set(PATIENT_AND_STUDY) - {"StudyInstanceUID", "IssuerOfPatientID"}:
        setattr(dataset, keyword, None)
    return dataset
