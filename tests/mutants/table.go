package main

import "slices"

// all holds every mutant.
var all = slices.Concat(
	log1mExpMutants, mathxMutants, jacobianMutants,
	normalMutants, bernoulliMutants, fullNormalMutants, mixtureMutants, observationMutants,
	processMutants, discreteMutants, scheduleMutants, inverseMutants, validateMutants,
	paramMutants, transferMutants,
	elboMutants, gradientMutants,
	gaussianMutants, oracleMixtureMutants, pointsMutants, chainMutants, linearMutants, ppcaMutants,
	reverseMutants, stepperMutants, ddimMutants, gridMutants, programMutants,
	langevinMutants, malaMutants, annealedMutants, eulerMutants, reverseDiffusionMutants, correctorMutants,
	heunMutants, dpmMutants, edmMutants, spacedMutants, rk45Mutants, flowMutants, divergenceMutants, slerpMutants,
	sdeMutants, derivationMutants, fokkerPlanckMutants, klMutants, sdePathMutants, brownianMutants, stochasticFlowMutants, itoMutants,
	arGridMutants, arChainMutants, rowMutants, familyMutants, judgeMutants,
	scoreMutants, objectiveMutants,
	cellMutants, scaleMutants, classifierMutants, freeMutants, dropMutants, intervalMutants, knownMutants, replacementMutants,
	labelledMutants, correlatedMutants, noiseAwareMutants, noiseRangeMutants,
	independentMutants,
	ebmMutants, replayMutants, aisMutants, quadratureMutants, energyConfigMutants, energyModelMutants,
	noiseLevelMutants, ruleMutants, noiseNetworkMutants, noiseModelMutants,
	ganLossMutants, ganMutants, ganOptimalMutants, ganBestMutants, ganNetworkMutants, fitGameMutants,
	vaeMutants, networkMutants, evaluateMutants,
	hvaeMutants, levelsMutants, hvaeNetworkMutants, warmUpMutants,
	vdmMutants, formMutants, lossMutants, timeLawMutants, snrMutants, levelNormalMutants, vdmEvaluateMutants, configMutants,
	textMutants, vocabularyMutants, conditionMutants, conditionalEvaluateMutants, conditionalConfigMutants, betweenMutants,
)
