"""Tells from a metric's name whether higher or lower is better: accuracy, loss."""

from __future__ import annotations

import re
from itertools import pairwise

# `valRMSE` has the words val and RMSE, `f1_macro` f1 and macro.
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LOWER = _words(
    """
    loss losses error errors err errs mse rmse rmsle msle mae mape smape wape mase rae rse mad nll
    bce ce xent crossentropy logloss perplexity ppl deviance divergence kl kld fid kid wer cer
    eer brier ece distance distances cost costs regret residual residuals penalty risk hinge
    emd mpjpe lpips bpc bpb bpd latency time seconds duration elapsed runtime walltime memory
    misclassified misclassification mistakes miss missed misses failures fpr fnr fdr fp fn
    violation violations drawdown aic bic huber crps wasserstein chamfer hausdorff makespan misfit
    discrepancy epe absrel jsd nelbo distortion delay daviesbouldin
    """
)
_HIGHER = _words(
    """
    accuracy accuracies acc accs auc aucs auroc auprc aupr roc f1 f2 fbeta r2 rsquared precision
    recall sensitivity specificity map ap iou miou dice jaccard kappa qwk mcc matthews bleu rouge
    meteor cider chrf ndcg dcg mrr hit hits reward rewards return returns profit revenue sharpe
    sortino psnr ssim snr likelihood loglikelihood loglik llh elbo correlation corr pearson spearman
    pearsonr spearmanr kendall concordance gain gains improvement reduction win wins winrate success
    successes throughput correct fitness utility similarity purity silhouette nmi ari
    explainedvariance exactmatch em tpr tnr ppv npv tp tn youden fps pck oks rocauc prec sacrebleu
    speedup coherence calinski persec persecond
    """
)
#: These count only if no other word does: a lower `brier_score` is better.
_HIGHER_ALONE = frozenset({"score", "scores", "top"})
_OPPOSITE = frozenset({"neg", "negative", "negated", "minus", "inverse"})
#: Formats of numbers, as in `acc_fp16`.
_FORMAT = re.compile(r"(fp|bf|int)\d+")
#: Common prefixes without a separator: `valloss`, `testacc`.
_BEFORE = re.compile(r"(train|test|valid|val|eval|dev|best|final|mean|avg|total|neg)(?=.)")


def higher_is_better(name: str) -> bool | None:
    """True or False if the name of a metric says so, as in `val_acc` and `testLoss`; else None.

    Of several words the last counts: `top1_error` is an error. `neg_` reverses the direction.
    """
    words = [part for word in _WORD.findall(name) for part in _parts(word.lower())]
    pairs = ["".join(pair) for pair in pairwise(words)]
    directions = [_of(word) for word in (*pairs, *words)]
    known = [up for up in directions if up is not None]
    if not known:
        return True if _HIGHER_ALONE.intersection(map(_stem, words)) else None
    return known[-1] != (len(_OPPOSITE.intersection(words)) % 2 == 1)


def _parts(word: str) -> list[str]:
    """Split `valloss` into val and loss; other words are returned unchanged."""
    before = _BEFORE.match(word)
    if before is None or _of(word) is not None:
        return [word]
    rest = _parts(word[before.end() :])
    return [before[1], *rest] if _of(rest[-1]) is not None else [word]


def _of(word: str) -> bool | None:
    if _FORMAT.fullmatch(word):
        return None
    for known in (word, _stem(word)):
        if known in _LOWER:
            return False
        if known in _HIGHER:
            return True
    return None


def _stem(word: str) -> str:
    """The word without a number at its end: `loss2`, `top5`."""
    return word.rstrip("0123456789")
