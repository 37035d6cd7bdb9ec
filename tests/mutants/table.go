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
	sdeMutants, derivationMutants, fokkerPlanckMutants, klMutants, sdePathMutants,
	scoreMutants, objectiveMutants,
	ebmMutants, replayMutants, aisMutants, quadratureMutants, energyConfigMutants,
	noiseLevelMutants, ruleMutants, noiseNetworkMutants, noiseModelMutants,
	vaeMutants, networkMutants, evaluateMutants,
	hvaeMutants, levelsMutants, hvaeNetworkMutants, warmUpMutants,
	vdmMutants, formMutants, lossMutants, timeLawMutants, snrMutants, levelNormalMutants, vdmEvaluateMutants, configMutants,
	textMutants, vocabularyMutants, conditionMutants, conditionalEvaluateMutants, conditionalConfigMutants, betweenMutants, givenMutants,
)
