"""Lookalikes: values that share a name with a hyper-parameter but mean something else."""

from __future__ import annotations

import re

from annotate.kinds import default, keyword
from annotate.suggest.facts import Facts
from annotate.suggest.site import Site, snake, words

#: The width, depth and heads of published checkpoints.
_CHECKPOINTS = {
    "width": {312, 384, 512, 640, 768, 896, 1024, 1152, 1280, 1408, 1536, 1600, 1664, 1792, 2048}
    | {2560, 3072, 3584, 4096, 5120, 6144, 8192},
    "depth": {6, 12, 18, 24, 28, 32, 36, 40, 48},
    "heads": {6, 12, 16, 20, 24, 25, 32, 40},
}
_SIZES = {
    "width": r"(n_)?(hidden|embed(ding)?|emb|model|feature|feat|encoder|text|vision|bert|proj\w*)"
    r"(_hidden)?_(size|dim|dims|width)|d_model|n_embd|n_embed|dim|hidden|width",
    "depth": r"(n|num)_?(hidden_|encoder_|transformer_)?layers?|depth",
    "heads": r"(n|num)_?(attention_|kv_)?heads?",
}
#: Keys such as "bert-base", "gpt2-xl" and "resnet50", which name variants of a model.
_VARIANT = re.compile(
    r".*(bert|gpt|llama|vit|resnet|\bt5|clip|opus|whisper|mistral|qwen|gemma|swin|convnext"
    r"|efficientnet|dino).*|([a-z_]+[-_.])?(tiny|mini|nano|small|base|medium|large|huge|giant|xl)"
    r"|(\d+(\.\d+)?[mb])",
    re.IGNORECASE,
)
#: Names such as `gemma_2b`, `GPT2` and `bert_base`, of one size of a published model.
_PUBLISHED = re.compile(
    r"(?:.*_)?(?:bert|gpt|llama|vit|resnet|t5|clip|opus|whisper|mistral|qwen|gemma|swin|convnext"
    r"|efficientnet|dino)(?:_?v?\d\w*|\w*_(?:tiny|mini|nano|small|base|medium|large|huge|giant|xl"
    r"|\d+(?:[p_]\d+)?[mb])(?:_\w+)?)"
)
_DATABASES = words(
    "sqlite3 sqlalchemy psycopg2 psycopg pymongo motor pymysql MySQLdb mysql asyncpg redis"
    " elasticsearch opensearchpy cassandra clickhouse_driver clickhouse_connect duckdb peewee"
    " django tortoise pymilvus weaviate qdrant_client chromadb pinecone boto3 kafka neo4j"
    " google snowflake pyodbc cx_Oracle oracledb happybase influxdb_client airflow celery"
)
#: Functions whose batch size is one for training; that of others counts rows of data.
_BATCHES = re.compile(
    r"fit\w*|\w*train\w*|\w*batch\w*|flow\w*|\w*loaders?|\w*dataset\w*|learn|iterate\w*|\w*iter"
    r"|minimi[sz]e\w*|prepare\w*|\w*step\w*|[A-Z]\w*"
)
_INSERTS = re.compile(
    r"insert\w*|\w*bulk\w*|upsert\w*|executemany|to_sql|find|scan|copy\w*|fetch\w*"
)
_SAMPLERS = re.compile(
    r"generat\w*|\w*pipeline|complet\w*|create|chat\w*|Chat\w*|OpenAI|invoke|SamplingParams"
    r"|GenerationConfig|sample\w*|decode\w*|ask\w*|\w*LLM\w*|prompt\w*"
)
_SAMPLING = words("max_new_tokens max_tokens top_k top_p num_beams do_sample repetition_penalty")
_TALKS = words("openai anthropic langchain langchain_openai vllm litellm ollama cohere mistralai")
_POPULATIONS = re.compile(r"(n_?)?pop(ulation)?(_?size)?|n_?pop")
_EVOLUTION = words("deap pygad pymoo cma evosax neat nevergrad evotorch eckity inspyred")
_BATCH = re.compile(r"\w*batch_?size\w*|bs|bsz|batch|mini_?batch")
#: Names that often mean something else: in colours, drawings and trees of files.
_VAGUE = words(
    "alpha beta gamma c p r depth max_depth width features channels filters heads layers blocks"
    " temperature decay degree margin delta factor momentum units horizon eps tau noise epsilon"
    " smoothing memory buffer_size size iterations max_iter rate shrinkage window negative"
    " contamination strategy kernel weights criterion penalty loss binary cosine attention skip"
)
#: Modules that have nothing to do with learning.
_UNRELATED = words(
    "os re io csv json math random itertools functools collections subprocess argparse time string"
    " shutil glob pathlib textwrap pprint heapq urllib http socket asyncio threading queue email"
    " rich click requests httpx flask fastapi django PIL cv2 matplotlib seaborn plotly bokeh altair"
    " pygame tkinter turtle graphviz networkx pandas bs4 scrapy boto3 tqdm manim pyglet OpenGL"
    " skimage imageio moviepy folium streamlit gradio dash wandb mlflow tensorboardX"
)


def is_lookalike(site: Site, facts: Facts) -> bool:
    """Whether a value only shares its name with a hyper-parameter."""
    name = site.name
    return (
        _is_of_group(site)
        or _is_of_checkpoint(site, facts)
        or (_BATCH.fullmatch(name) is not None and _is_batch_of_rows(site, facts))
        or ("temperature" in name.split("_") and _is_of_sampling(site, facts))
        or (
            _POPULATIONS.fullmatch(name) is not None
            and not _EVOLUTION & set(facts.origins.values())
        )
        or (name in _VAGUE and _is_unrelated(site, facts))
    )


def _is_of_group(site: Site) -> bool:
    """Whether it is a parameter group's deliberate 0, or a rate set while training runs."""
    if re.match(r"(param_?)?(group|pg|g)\b", site.target.name) and site.target.name.endswith("]"):
        return True
    return site.value == 0 and "params" in site.around.beside_keys and "decay" in site.name


def _is_of_checkpoint(site: Site, facts: Facts) -> bool:
    """Whether it is a size of a published model, which the model's weights fix."""
    if any(_VARIANT.fullmatch(key) for key in site.around.keys) and site.around.is_table:
        return site.target.kind in (keyword.KIND, "entry")
    around = site.around
    if any(map(is_published, around.functions)):
        return _is_size(site.name)
    known = facts.pretrained or (
        site.callee is None and any(map(is_published, (*around.keys, *_names(around.beside))))
    )
    return known and is_checkpoint_size(site.name, site.value)


def is_published(name: str) -> bool:
    """Whether a function, a variable or a key is called like one size of a published model."""
    return _PUBLISHED.fullmatch(snake(name)) is not None


def _names(code: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", code)


def _is_size(name: str) -> bool:
    return any(re.fullmatch(names, name) for names in _SIZES.values())


def is_checkpoint_size(name: str, value: object) -> bool:
    """Whether a value is a size that published models have."""
    return any(
        re.fullmatch(names, name) and value in _CHECKPOINTS[what] for what, names in _SIZES.items()
    )


def _is_batch_of_rows(site: Site, facts: Facts) -> bool:
    call, callee = site.around.call, site.callee
    if site.target.kind == default.KIND and any(
        map(_INSERTS.fullmatch, site.around.functions[-1:])
    ):
        return True
    if call is None or callee is None:
        tops = set(facts.origins.values())
        return bool(tops & _DATABASES) and not facts.families
    if _INSERTS.fullmatch(callee) or facts.origin(call) in _DATABASES:
        return True
    return not (_BATCHES.fullmatch(callee) or callee in facts.defined or facts.knows(call))


def _is_of_sampling(site: Site, facts: Facts) -> bool:
    """Whether a temperature is for generating text with a trained model."""
    parts = set(site.name.split("_"))
    if parts & words("sampling sample generation decode decoding llm") or site.value == 0:
        return True
    if site.callee and _SAMPLERS.fullmatch(site.callee):
        return True
    near = set(facts.names) & _SAMPLING or _TALKS & set(facts.origins.values())
    functions = [part for name in site.around.functions for part in snake(name).split("_")]
    text = site.help.lower()
    return bool(
        near
        or set(functions) & words("generate sample decode chat complete prompt ask")
        or re.search(r"sampl|generat|diversity|decod", text)
    )


def _is_unrelated(site: Site, facts: Facts) -> bool:
    """Whether a keyword with a vague name is passed to an unknown function."""
    call, callee = site.around.call, site.callee
    if call is None or callee is None or facts.knows(call) or callee in facts.defined:
        return False
    origin = facts.origin(call)
    return origin in _UNRELATED or callee[:1].islower()
