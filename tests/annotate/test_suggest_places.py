"""Which values get a proposal, which only look like it, and where the annotation is placed."""

import ast

import pytest

from annotate.errors import AnnotateError, Mistakes
from annotate.instrument import expand
from annotate.suggest import insert, suggest


def proposed(code, path="train.py"):
    source = code.encode() if isinstance(code, str) else code
    return suggest(source, path=path, module="train")


def written(code):
    suggestions = proposed(code)
    return insert(suggestions.source, suggestions.proposals).decode()


def row(title, code, *proposals):
    return pytest.param(code, proposals, id=title)


@pytest.mark.parametrize(
    ("code", "annotations"),
    [
        row("a constant", "lr = 0.01", "@nni.loguniform(1e-4, 1.0)"),
        row("an attribute", "self.lr = 0.01", "@nni.loguniform(1e-4, 1.0)"),
        row("a subscript", "cfg['lr'] = 0.01", "@nni.loguniform(1e-4, 1.0)"),
        row("a typed field", "class C:\n    lr: float = 0.01", "@nni.loguniform(1e-4, 1.0)"),
        row("a constant expression", "batch_size = 2**6", "@nni.choice(32, 64, 128)"),
        row("camel case", "learningRate = 0.01", "@nni.loguniform(1e-4, 1.0)"),
        row("a rate for fine-tuning", "lr = 2e-5", "@nni.loguniform(2e-6, 2e-4)"),
        row("an entry", "c = {\n 'lr': 0.01,\n}", "@nni.loguniform(1e-4, 1.0)"),
        row(
            "one of several values on a line",
            "opt = SGD(p, lr=0.1)",
            "@nni.variable(nni.loguniform(0.001, 1.0), name=lr)",
        ),
        row(
            "a key that is no name",
            "c = {'weight-decay': 0.1}",
            '@nni.variable(nni.loguniform(0.001, 1.0), name="weight-decay")',
        ),
        row("argparse", 'p.add_argument("--lr", default=0.01)', "@nni.loguniform(1e-4, 1.0)"),
        row(
            "the options that argparse knows",
            'p.add_argument("--optim", default="sgd", choices=["adam", "sgd", "lion"])',
            '@nni.choice("sgd", "adam", "lion")',
        ),
        row(
            "the numbers that argparse knows",
            'p.add_argument("--batch-size", default=8, choices=(8, 32))',
            "@nni.choice(8, 32)",
        ),
        row(
            "the options that click knows",
            '@click.option("--act", type=click.Choice(["relu", "elu"]), default="elu")\n'
            "def f(act): pass",
            '@nni.choice("elu", "relu")',
        ),
        row("a rate by its Greek letter", "eta = 0.05", "@nni.loguniform(5e-4, 1.0)"),
        row(
            "a name, by the class of settings that it stands in",
            'class OptimConfig:\n    name: Literal["adamw", "sgd"] = "adamw"',
            '@nni.choice("adamw", "sgd")',
        ),
        row(
            "the options of a type",
            'act: Literal["relu", "tanh"] = "relu"',
            '@nni.choice("relu", "tanh")',
        ),
        row(
            "texts that the script compares",
            "optimizer = 'adam'\nif optimizer == 'adam': pass\nelif optimizer == 'sgd': pass",
            "@nni.choice('adam', 'sgd')",
        ),
        row(
            "texts that the script looks up",
            "KINDS = {'mean': 1, 'max': 2}\npooling = 'max'\nf(KINDS[pooling])",
            "@nni.choice('max', 'mean')",
        ),
        row(
            "texts that the script matches",
            "norm = 'batch'\nmatch norm:\n    case 'batch': pass\n    case 'layer': pass",
            "@nni.choice('batch', 'layer')",
        ),
        row(
            "texts that the script compares, but not its own name",
            "optim = {'name': 'sgd'}\nif o['name'] == 'sgd' or o['name'] == 'adam': pass\n"
            "if __name__ == '__main__': pass",
            "@nni.variable(nni.choice('sgd', 'adam'), name=name)",
        ),
        row("a discount and what it shares", "gae_lambda = 0.95", "@nni.uniform(0.8, 1.0)"),
        row("a name with a foe's word", "drop_path = 0.1", "@nni.uniform(0.0, 0.5)"),
        row("no decay yet", "weight_decay = 0", "@nni.choice(0, nni.loguniform(1e-6, 0.01))"),
        row("no limit yet", "import lightgbm\nmax_depth = -1", "@nni.choice(-1, 4, 8, 12)"),
        row(
            "a tuple of widths",
            "hidden_sizes = (64, 32)",
            "@nni.choice((32, 16), (64, 32), (128, 64))",
        ),
        row("a default that stays", "def f(lr=0.01): pass", "@nni.loguniform(1e-4, 1.0)"),
        row(
            "the same name and domain twice",
            "a = SGD(\n lr=0.01,\n)\nb = SGD(\n lr=0.01,\n)",
            *["@nni.loguniform(1e-4, 1.0)"] * 2,
        ),
        row(
            "the width of a model that is called like its kind",
            "import torch\nbert = Bert(\n hidden_size=768,\n)",
            "@nni.choice(384, 768, 1536)",
        ),
        row(
            "what takes a constant says more than the constant's name",
            "from sklearn.linear_model import LogisticRegression\n"
            "REG = 1.0\nm = LogisticRegression(C=REG)",
            "@nni.loguniform(0.01, 100.0)",
        ),
        row("the discount", "import gymnasium\ngamma = 0.99", "@nni.uniform(0.9, 0.999)"),
        row(
            "a smallest rate stays below the rate",
            "lr = 1e-3\nmin_lr = 1e-4",
            "@nni.loguniform(1e-4, 0.1)",
            "@nni.loguniform(1e-6, 1e-4)",
        ),
        row(
            "the start of a search for the smallest rate",
            "lr = 0.1\nmin_lr = 10.0",
            "@nni.loguniform(0.001, 1.0)",
        ),
        row(
            "the temperature of a loss",
            "import torch\nloss = NTXent(\n temperature=0.5,\n)",
            "@nni.loguniform(0.05, 5.0)",
        ),
        row(
            "a width beside a published model",
            "hidden_size = 100\nm = AutoModel.from_pretrained('bert-base-uncased')",
            "@nni.choice(50, 100, 200)",
        ),
        row(
            "a population of candidates",
            "import deap\npop_size = 100",
            "@nni.choice(50, 100, 200)",
        ),
        row(
            "a vague keyword of the script's own function",
            "import torch\ndef block(depth): pass\nblock(depth=3)",
            "@nni.quniform(1, 6, 1)",
        ),
        row(
            "a constant that a known keyword takes, whatever its name",
            "from torch.optim import SGD\nQ = 0.01\no = SGD(p, lr=Q)",
            "@nni.loguniform(1e-4, 1.0)",
        ),
        row(
            "an option that a known keyword takes",
            "from torch.optim import SGD\np.add_argument('--q', default=0.5)\n"
            "o = SGD(w, momentum=args.q)",
            "@nni.uniform(0.0, 0.99)",
        ),
        row(
            "a constant in a known position",
            "from torch import nn\nSPLIT = 0.3\ndrop = nn.Dropout(SPLIT)",
            "@nni.uniform(0.0, 0.5)",
        ),
        row(
            "a constant of a function",
            "import sklearn\ndef main():\n    n = 100\n    RandomForestClassifier(n_estimators=n)",
            "@nni.qloguniform(20, 400, 10)",
        ),
        row(
            "an option by its help",
            "p.add_argument('--l2x', default=1e-4, help='L2 regularization')",
            "@nni.loguniform(1e-6, 0.01)",
        ),
        row("a value by its comment", "K = 5.0  # gradient clipping", "@nni.loguniform(0.5, 50.0)"),
        row(
            "a field by the string below it",
            "class C:\n    g: float = 0.99\n    '''the discount factor gamma'''",
            "@nni.uniform(0.9, 0.999)",
        ),
        row(
            "a positional value of a layer",
            "drop = nn.Dropout(0.25)",
            "@nni.function_choice(nn.Dropout(0.25), nn.Dropout(0.0), nn.Dropout(0.5))",
        ),
        row(
            "a positional value among other calls",
            "x = nn.Dropout(0.5)(x)",
            "@nni.function_choice(nn.Dropout(0.5), nn.Dropout(0.0), nn.Dropout(0.25), "
            "name=nn.Dropout)",
        ),
        row(
            "a positional rate of an optimiser",
            "o = Adam(1e-3)",
            "@nni.function_choice(Adam(1e-3), Adam(1e-4), Adam(0.01))",
        ),
        row(
            "the units of a hidden layer",
            "import keras\nm.add(\n    Dense(64, activation='relu'),\n)",
            "@nni.function_choice(Dense(64, activation='relu'), Dense(32, activation='relu'), "
            "Dense(128, activation='relu'))",
        ),
        row(
            "the decay of a schedule",
            "s = StepLR(\n o,\n gamma=0.1,\n)",
            "@nni.uniform(0.1, 0.9)",
        ),
    ],
)
def test_a_hyper_parameter_gets_a_proposal(code, annotations):
    assert [proposal.annotation for proposal in proposed(code).proposals] == list(annotations)


FRIENDS = {
    "a seed": "seed = 42\nrandom_state = 1",
    "a port": "port = 8080",
    "an image": "import torch\nimage_size = 224\nwidth = 640\nheight = 480\nchannels = 3",
    "classes": "num_classes = 10\nvocab_size = 256",
    "a path": "data_dir = 'data'\nmodel_path = 'model.pt'",
    "a version": "version = 3",
    "the budget": "epochs = 10\nmax_steps = 1000\ntotal_timesteps = 5",
    "the machine": "num_workers = 4\nn_jobs = 2\ndevice = 0\ngpu = 1",
    "the output": "verbose = 1\nlog_interval = 10\nsave_every = 5",
    "measuring": "test_batch_size = 64\nval_loader = DataLoader(d, batch_size=8)",
    "measuring in a function": "def evaluate(m):\n    batch_size = 64",
    "settings for measuring": "class EvalConfig:\n    batch_size: int = 64",
    "entries for measuring": "c = {'eval': {'batch_size': 64}}",
    "the data's own batches": "rows = data.map(f, batch_size=1000)",
    "a plot": "import torch\nplt.bar(x, width=1)",
    "a normalisation": "layer = BatchNorm1d(64, momentum=0.1)",
    "a text that no option is known for": "optimizer = 'adam'",
    "the way of an output": "layer = Dense(1, activation='sigmoid')",
    "a kernel with a fixed margin": "import torch\nc = Conv2d(1, 2, kernel_size=3, padding=1)",
    "a name": "lr = 'low'",
    "what is not known before it runs": "lr = f()",
    "an element": "weight_decay[i] = 0.1",
    "a sum": "def f():\n    l2 = 0",
    "a default that is always given": "def f(lr=0.1): pass\nf(lr=g())",
    "a default that an option overrides": "def f(lr=0.1):\n    pass\nf(0.1)",
    "two targets": "lr = rate = 0.1",
    "an augmented assignment": "lr *= 0.1",
    "the zero of a parameter group": "g = [\n {'params': b, 'weight_decay': 0.0},\n]",
    "the zero of a group in a call": "g = dict(params=b, weight_decay=0.0)",
    "a rate that is set while training runs": "group['lr'] = 0.1",
    "sizes of published models": (
        "import torch\nSIZES = {\n 'gpt2': dict(n_embd=768),\n 'gpt2-xl': dict(n_embd=1600),\n}"
    ),
    "sizes in a variable called like a published model": (
        "import torch\nGPT2 = dict(\n n_layer=12,\n n_head=12,\n n_embd=768,\n)"
    ),
    "sizes in a function called like a published model": (
        "import torch\ndef gemma2_2b():\n    return {\n 'num_kv_heads': 1,\n 'embed_dim': 640}"
    ),
    "the width of a published model that is loaded": (
        "hidden_size = 768\nnum_layers = 12\nm = AutoModel.from_pretrained('bert-base-uncased')"
    ),
    "rows of a database": "import pymongo\nBATCH_SIZE = 500\nc.find(batch_size=100)",
    "rows that a function of the script inserts": "def insert(db, rows, batch_size=500): pass",
    "rows that a function sends": "send_rows(rows, batch_size=100)",
    "a population": "population_size = 8_000_000\npop_size = 100",
    "the temperature of sampling": "import torch\nm.generate(x, temperature=0.7, top_k=50)",
    "the temperature of a function that samples": (
        "import torch\ndef generate(m, temperature=1.0): pass"
    ),
    "the temperature of a program that samples": (
        "import torch\np.add_argument('--temperature', default=1.0, help='higher is more diverse: "
        "sampling')"
    ),
    "a vague keyword of an unknown function": "import torch\ncrawl(depth=3)\ndraw(x, alpha=0.5)",
    "a vague keyword of another trade": "import torch\nimport rich\nrich.Table(width=80)",
    "iterations that are no trees": "num_iterations = 60000",
    "a constant that is assigned twice": (
        "from torch.optim import SGD\nq = 0.01\nq = 0.02\no = SGD(p, lr=q)"
    ),
    "a constant that a parameter hides": (
        "from torch.optim import SGD\nq = 0.01\ndef f(q):\n    return SGD(p, lr=q)"
    ),
    "a constant that an unknown keyword takes": "q = 0.01\nsend(gamma=q)",
    "a constant for measuring": "import torch\ntestBS = 8\nDataLoader(d, batch_size=testBS)",
    "a seed that a known keyword takes": (
        "import sklearn\ns = 7\nm = RandomForestClassifier(random_state=s)"
    ),
    "a help that mentions a hyper-parameter": (
        "p.add_argument('--start', default=5, help='epoch from which to start lr decay')"
    ),
    "a comment that mentions a hyper-parameter": "K = 5  # epochs until the learning rate drops",
    "the width of the last layer": "import keras\nlayer = Dense(10, activation='softmax')",
    "the dropout of an evaluation": "def evaluate():\n    return nn.Dropout(0.5)",
    "a step size in geometry": "step_size = 5\ngamma = 2.2\nwidth = 80",
}


@pytest.mark.parametrize("code", FRIENDS.values(), ids=FRIENDS)
def test_a_false_friend_gets_no_proposal(code):
    assert proposed(code).proposals == ()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        row("a line with two", "o = SGD(p, lr=0.1, momentum=0.9)", "one annotation"),
        row(
            "a line that has one",
            "o = SGD(p, lr=0.1, m=1)  # @nni.variable(nni.choice(1, 2), name=m)",
            "already has an annotation",
        ),
        row("a remark for type checkers", "lr = 0.1  # type: float", "type comment"),
        row("a string that runs on", "f(lr=0.1, text='''a\nb''')", "a string continues"),
        row("a backslash", "x = f(lr=0.1) + \\\n 1", "backslash"),
        row("one name twice on a line", "f(SGD(lr=0.1), SGD(lr=0.1))", "this name"),
        row("one name for two domains", "a = SGD(lr=0.1)\nb = SGD(lr=0.2)", "a different domain"),
        row(
            "a name that is annotated elsewhere",
            "lr = 1  # @nni.loguniform(1, 2)\no = SGD(lr=0.1)",
            "a different domain",
        ),
    ],
)
def test_a_value_without_room_for_an_annotation_is_skipped_with_the_reason(code, why):
    assert [value.why for value in proposed(code).skipped if why[0] in value.why]


def test_a_line_with_several_values_gets_the_most_important_proposal():
    suggestions = proposed("o = SGD(p, momentum=0.9, nesterov=True, lr=0.1)")
    assert [value.name for value in suggestions.proposals] == ["lr"]
    assert [value.name for value in suggestions.skipped] == ["momentum", "nesterov"]


LR = "  # @nni.loguniform(0.001, 1.0)"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("lr = 0.1  # slow", f"lr = 0.1{LR}  # slow", id="before a remark"),
        pytest.param("lr = 0.1 \n", f"lr = 0.1 {LR[1:]}\n", id="behind blanks"),
        pytest.param("lr = (\n 0.1\n)\n", f"lr = (\n 0.1\n){LR}\n", id="behind brackets"),
        pytest.param(
            "a = 1; lr = 0.1",
            "a = 1; lr = 0.1  # @nni.variable(nni.loguniform(0.001, 1.0), name=lr)",
            id="behind a semicolon",
        ),
        pytest.param("if x: lr = 0.1\n", f"if x: lr = 0.1{LR}\n", id="in a one-line suite"),
        pytest.param("lr = 0.1\r\na = 1\r\n", f"lr = 0.1{LR}\r\na = 1\r\n", id="before CRLF"),
        pytest.param("lr = 0.1\ra = 1", f"lr = 0.1{LR}\ra = 1", id="before CR"),
        pytest.param("f(\n lr=0.1,\n b=1)", f"f(\n lr=0.1,{LR}\n b=1)", id="behind a comma"),
        pytest.param(
            "hidden_sizes = [\n 64,  # a\n 32,\n]",
            "hidden_sizes = [\n 64,  # a\n 32,\n]  # @nni.choice([32, 16], [64, 32,], [128, 64])",
            id="behind a list",
        ),
    ],
)
def test_the_annotation_is_placed_where_it_fits_the_line(code, expected):
    assert written(code) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_every_other_byte_is_preserved_in_any_encoding(encoding):
    text = "# coding: latin-1\nname = 'é'\nlr = 0.1\nnext = 'ü'"
    if encoding != "latin-1":
        text = text.replace("# coding: latin-1", "")
    source = text.encode(encoding)
    try:
        suggestions = suggest(source, path="train.py", module="train")
    except Mistakes:
        assert encoding == "utf-16"
        return
    assert insert(source, suggestions.proposals) == text.replace("0.1", "0.1" + LR).encode(encoding)


def test_annotated_values_get_no_proposal():
    code = "# @nni.variable(nni.choice(1, 2), name=lr)\nlr = 1\nbatch = 8  # @nni.choice(8, 9)\n"
    assert proposed(code).proposals == ()
    code = "# @nni.function_choice(f(lr=0.1), g())\nf(lr=0.1)\n"
    assert proposed(code).proposals == ()


def test_any_subset_of_the_proposals_can_be_accepted():
    code = "a = SGD(\n lr=0.1,\n momentum=0.9,\n)\nbatch_size = 8\ndropout = 0.1\n"
    suggestions = proposed(code)
    assert len(suggestions.proposals) == 4
    for index, one in enumerate(suggestions.proposals):
        for taken in ([one], suggestions.proposals[:index], suggestions.proposals[index:]):
            new = insert(suggestions.source, taken)
            assert len(expand(new, path="train.py", module="train").places) == len(taken)
            assert ast.dump(ast.parse(new)) == ast.dump(ast.parse(code))


def test_a_script_that_reports_its_result_is_recognised():
    assert not proposed("lr = 0.1").reports
    assert proposed("lr = 0.1\n# @nni.report_final_result(lr)").reports
    assert proposed("import nni\nnni.report_final_result(1)").reports


def test_existing_mistakes_are_raised_first():
    with pytest.raises(Mistakes, match="1 mistake"):
        proposed("lr = 0.1\nx = 1  # @nni.choise(1, 2)")


def test_invalid_python_is_reported_with_its_line():
    with pytest.raises(AnnotateError, match=r"train.py:2: the file cannot be parsed"):
        proposed("lr = 0.1\nx = = 1")


def test_code_nested_too_deeply_is_reported():
    with pytest.raises(
        AnnotateError, match=r"train.py: the file cannot be parsed: the nesting is too deep"
    ):
        proposed("lr = " + "[" * 300 + "]" * 300)
