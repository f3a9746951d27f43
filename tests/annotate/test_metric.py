"""The name of a script's metric, and which results are better according to it."""

import pytest

from annotate.metric import parse_metric
from annotate.metric_direction import higher_is_better

UP, DOWN, UNKNOWN = True, False, None

NAMES = {
    UP: (
        "acc accuracy testAcc val_acc testacc AUC roc_auc f1 f1_macro testF1 F1 r2 R2 r2_score"
        " score scores best_score top1 top_1 top5Acc mAP mAP50 val_map IoU mean_reward returns"
        " neg_mean_squared_error negLoss log_likelihood explained_variance exact_match win_rate"
        " error_reduction BLEU val/mAP@50 accuracies acc2 nDCG acc_fp16 tokens_per_sec prec1"
    ),
    DOWN: (
        "loss losses val_loss valLoss valloss loss2 err error error_rate top1_err MSE val_rmse"
        " valRMSE mae nll NLLLoss negative_log_likelihood perplexity ppl cross_entropy log_loss"
        " logloss brier_score accuracy_loss wer FID latency elapsed_seconds regret neg_reward"
        " mean_squared_error eval/loss test-error davies_bouldin_score crps seconds_per_step"
    ),
    UNKNOWN: "result x y value metric metrics output lossless classy mapper accent timer scope",
}


@pytest.mark.parametrize(
    ("name", "higher"), [(n, higher) for higher, names in NAMES.items() for n in names.split()]
)
def test_words_in_a_metrics_name_tell_which_results_are_better(name, higher):
    assert higher_is_better(name) is higher


@pytest.mark.parametrize(
    ("code", "name", "higher"),
    [
        ("val_loss", "val_loss", DOWN),
        ("-loss", "-loss", UP),
        ("-float(loss)", "-loss", UP),
        ("1 - acc", "1 - acc", DOWN),
        ("1.0 - float(acc)", "1.0 - acc", DOWN),
        ("acc * 100", "acc * 100", UP),
        ("-1 * loss", "-1 * loss", UP),
        ("1 / latency", "1 / latency", UP),
        ("loss / baseline_loss", "loss / baseline_loss", DOWN),
        ("correct / total", "correct / total", UP),
        ("sum(losses) / len(losses)", "losses", DOWN),
        ("np.mean(predicted == labels)", "predicted == labels", UP),
        ("(predicted != y).float().mean().item()", "predicted != y", DOWN),
        ("(p.argmax(1) == y).sum() / len(y)", "(argmax == y) / len", UP),
        ("loss + penalty", "loss + penalty", DOWN),
        ("acc - 0.1 * latency", "acc - 0.1 * latency", UP),
        ("acc - reward", "acc - reward", UNKNOWN),
        ("acc + loss", "acc + loss", UNKNOWN),
        ("abs(err) ** 2", "abs(err) ** 2", DOWN),
        ("float(loss.item())", "loss", DOWN),
        ("loss.detach().cpu().numpy()", "loss", DOWN),
        ("round(acc, 4)", "acc", UP),
        ("np.mean(losses)", "losses", DOWN),
        ("losses.mean(0)", "losses", DOWN),
        ("losses.avg", "losses", DOWN),
        ("math.sqrt(mse)", "sqrt(mse)", DOWN),
        ("self.best_val_loss", "best_val_loss", DOWN),
        ('metrics["val_loss"]', "val_loss", DOWN),
        ('metrics.get("val_acc", 0)', "val_acc", UP),
        ('history.history["val_loss"][-1]', "val_loss", DOWN),
        ('trainer.evaluate()["eval_loss"]', "eval_loss", DOWN),
        ('metrics["default"]', "metrics", UNKNOWN),
        ("accs[-1]", "accs", UP),
        ("max(accs)", "max(accs)", UP),
        ("accuracy_score(y, model.predict(x))", "accuracy_score", UP),
        ("model.score(x, y)", "score", UP),
        (
            'cross_val_score(m, x, y, scoring="neg_mean_squared_error").mean()',
            "neg_mean_squared_error",
            UP,
        ),
        ('-cross_val_score(m, x, y, scoring="neg_log_loss").mean()', "-neg_log_loss", DOWN),
        ('{"loss": loss, "default": acc}', "acc", UP),
        ("dict(default=loss, acc=acc)", "loss", DOWN),
        ("acc if finished else 0.0", "acc", UP),
        ("0.0 if broken else acc", "acc", UP),
        ("(acc := test())", "acc", UP),
        ("await accuracy()", "accuracy", UP),
        ("evaluate(model)", "evaluate", UNKNOWN),
        ("metrics", "metrics", UNKNOWN),
    ],
)
def test_an_expression_is_named_by_what_it_reports(code, name, higher):
    metric = parse_metric(code)
    assert (metric.name, metric.higher) == (name, higher)


@pytest.mark.parametrize(
    "code", ["0.5", "-1", "1 / 3", "'text'", "f'{acc}'", "{}", "{'acc': acc}", "[acc]", "acc,", "("]
)
def test_an_expression_without_a_name_has_no_metric(code):
    assert parse_metric(code) is None


def test_a_long_expression_has_a_short_name():
    metric = parse_metric("2 * precision * recall / (precision + recall + 1e-12)")
    assert (len(metric.name), metric.name[-1], metric.higher) == (40, "…", UP)
