"""What a config may name unless a reviewer allows more.

Each line was read for what it does with texts and files. Left out is what unpickles (``LoadImage`` reads ``.npy``,
``PersistentDataset``), looks code up by name (readers, writers, ``TorchVision``, ``PatchInferer``), fetches from an
address (``HoVerNet``, ``CSVDataset``, ``MLFlowHandler``) or runs what it is told to (``monai.bundle``).
"""

from __future__ import annotations

__all__ = ["ALLOWED"]


def _of(package: str, names: str, *, ending: str = "") -> list[str]:
    return [f"{package}.{name}{ending}" for name in names.split()]


_TRANSFORMS = """
    Activations AddCoordinateChannels AddExtremePointsChannel AdjustContrast Affine AsChannelLast AsDiscrete BorderPad
    BoundingRect CastToType CenterScaleCrop CenterSpatialCrop ClassesToIndices ClipIntensityPercentiles
    ConvertToMultiChannelBasedOnBratsClasses Crop CropForeground CutMix CutOut DataStats DivisiblePad EnsureChannelFirst
    EnsureType FgBgToIndices FillHoles Flip ForegroundMask GaussianSharpen GaussianSmooth GibbsNoise GridDistortion
    GridPatch GridSplit HistogramNormalize Identity IntensityStats Invert KSpaceSpikeNoise KeepLargestConnectedComponent
    LabelFilter LabelToContour LabelToMask Lambda MapLabelValue MaskIntensity MeanEnsemble MedianSmooth MixUp
    NormalizeIntensity Orientation Pad ProbNMS Rand2DElastic Rand3DElastic RandAdjustContrast RandAffine RandAxisFlip
    RandBiasField RandCoarseDropout RandCoarseShuffle RandCropByLabelClasses RandCropByPosNegLabel RandFlip
    RandGaussianNoise RandGaussianSharpen RandGaussianSmooth RandGibbsNoise RandGridDistortion RandGridPatch
    RandHistogramShift RandKSpaceSpikeNoise RandLambda RandRicianNoise RandRotate RandRotate90 RandScaleCrop
    RandScaleIntensity RandScaleIntensityFixedMean RandShiftIntensity RandSimulateLowResolution RandSpatialCrop
    RandSpatialCropSamples RandStdShiftIntensity RandWeightedCrop RandZoom RemoveRepeatedChannel RemoveSmallObjects
    RepeatChannel ResampleToMatch Resize ResizeWithPadOrCrop Rotate Rotate90 ScaleIntensity ScaleIntensityRange
    ScaleIntensityRangePercentiles ShiftIntensity SobelGradients Spacing SpatialCrop SpatialPad SpatialResample SplitDim
    SqueezeDim StdShiftIntensity ThresholdIntensity ToDevice ToNumpy ToTensor Transpose VoteEnsemble Zoom
"""

ALLOWED = (
    *_of("monai.transforms", _TRANSFORMS),
    *_of("monai.transforms", _TRANSFORMS, ending="d"),
    *_of(
        "monai.transforms",
        "Compose ConcatItemsd CopyItemsd DeleteItemsd FlattenSubKeysd OneOf RandomOrder SelectItemsd SomeOf",
    ),
    *_of(
        "monai.data",
        "CacheDataset DataLoader Dataset MetaTensor SmartCacheDataset ThreadDataLoader decollate_batch "
        "list_data_collate load_decathlon_datalist pad_list_data_collate partition_dataset",
    ),
    *_of(
        "monai.engines",
        "AdversarialTrainer EnsembleEvaluator GanTrainer IterationEvents PrepareBatchDefault PrepareBatchExtraInput "
        "SupervisedEvaluator SupervisedTrainer",
    ),
    *_of(
        "monai.handlers",
        "AveragePrecision CheckpointLoader CheckpointSaver ConfusionMatrix DecollateBatch EarlyStopHandler "
        "GarbageCollector HausdorffDistance IgniteMetricHandler LrScheduleHandler MeanAbsoluteError MeanDice "
        "MeanIoUHandler MeanSquaredError MetricsSaver ParamSchedulerHandler PostProcessing ROCAUC StatsHandler "
        "SurfaceDistance TensorBoardImageHandler TensorBoardStatsHandler ValidationHandler from_engine "
        "stopping_fn_from_metric",
    ),
    *_of(
        "monai.inferers",
        "SaliencyInferer SimpleInferer SliceInferer SlidingWindowInferer SlidingWindowInfererAdapt "
        "sliding_window_inference",
    ),
    *_of(
        "monai.losses",
        "BendingEnergyLoss ContrastiveLoss DeepSupervisionLoss DiceCELoss DiceFocalLoss DiceLoss FocalLoss "
        "GeneralizedDiceFocalLoss GeneralizedDiceLoss GlobalMutualInformationLoss HausdorffDTLoss "
        "LocalNormalizedCrossCorrelationLoss MaskedDiceLoss MaskedLoss MultiScaleLoss SSIMLoss TverskyLoss",
    ),
    *_of(
        "monai.metrics",
        "AveragePrecisionMetric ConfusionMatrixMetric CumulativeAverage DiceMetric FBetaScore GeneralizedDiceScore "
        "HausdorffDistanceMetric LossMetric MAEMetric MSEMetric MeanIoU PSNRMetric RMSEMetric ROCAUCMetric SSIMMetric "
        "SurfaceDiceMetric SurfaceDistanceMetric",
    ),
    *_of(
        "monai.networks.nets",
        "AttentionUnet AutoEncoder BasicUNet BasicUNetPlusPlus Classifier DenseNet DenseNet121 DenseNet169 DenseNet201 "
        "DenseNet264 Discriminator DynUNet FullyConnectedNet Generator HighResNet MedNeXt Regressor ResNet SEResNet50 "
        "SegResNet SegResNetDS SegResNetVAE SwinUNETR UNETR UNet VNet ViT VarAutoEncoder resnet10 resnet101 resnet152 "
        "resnet18 resnet200 resnet34 resnet50",
    ),
    *_of("monai.networks.layers", "Act Conv Dropout Flatten Norm Pool Reshape SkipConnection"),
    *_of("monai.optimizers", "Novograd WarmupCosineSchedule generate_param_groups"),
    "monai.utils.set_determinism",
    *_of("monai_fairtune", "bundle.* cohort.* masks.* metrics.* objectives.* tuning.*"),
    *_of("numpy", "array float32 inf nan"),
    *_of("torch", "bfloat16 device float16 float32 tensor"),
    *_of("torch.cuda", "device_count is_available"),
    *_of("torch.distributed", "get_rank get_world_size"),
    *_of("torch.nn", "Parameter functional.relu functional.softmax modules.* parallel.DistributedDataParallel"),
    *_of("torch.optim", "* lr_scheduler.*"),
    *_of(
        "torch.utils.data",
        "BatchSampler ConcatDataset DataLoader Dataset DistributedSampler RandomSampler SequentialSampler Subset "
        "SubsetRandomSampler TensorDataset WeightedRandomSampler default_collate",
    ),
)
"""Objects by their names; ``package.*`` stands for what ``__all__`` of the package lists."""
