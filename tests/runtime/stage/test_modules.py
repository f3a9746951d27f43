"""A module that runs as with `python -m`, in processes and forks of every interpreter."""

FILES = {
    "pkg/__init__.py": "import sys\nprint('package', 'pkg.train' in sys.modules)\n",
    "pkg/train.py": """\
        import multiprocessing, os, sys
        from .sizes import width
        def double(n):
            return 2 * n
        if __name__ == "__main__":
            print(__package__, __spec__.name, os.path.samefile(__file__, sys.argv[0]))
            print(sys.argv[1:], sys.path[0] == os.getcwd(), width)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [4]))
        """,
    "pkg/sizes.py": "width = 8\n",
    "whole/__init__.py": "",
    "whole/__main__.py": "from . import __name__ as name\nprint(name, __spec__.name)\n",
}
FROZEN = {"pkg/sizes.py": "width = 16\n"}


def test_a_module_runs_as_with_m(run_script):
    done = run_script(FILES, FROZEN, ("-mpkg.train", "--lr", "1"))
    lines = [line for line in done.stdout.splitlines() if not line.startswith("package")]
    assert lines == ["pkg pkg.train True", "['--lr', '1'] True 16", "[8]"]
    assert done.stdout.startswith("package False\n"), "the package is imported first"


def test_a_package_runs_by_its_main_module(run_script):
    assert run_script(FILES, {}, ("-mwhole",)).stdout == "whole whole.__main__\n"
