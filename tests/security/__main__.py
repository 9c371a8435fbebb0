"""`python -m tests.security`: how the desk stands to OWASP ASVS, and what is left to whoever runs it."""

from collections import Counter

from tests.security.requirements import CHAPTERS, VERDICTS, requirements


def main() -> None:
    """Print the counts, what is the deployer's, and what is not met."""
    lines = requirements()
    print("OWASP ASVS 5.0.0, levels 1 and 2\n")
    print(f"{'chapter':28}{'':5}" + "".join(f"{verdict:>10}" for verdict in VERDICTS))
    for chapter, number in CHAPTERS.items():
        found = Counter(line.verdict for line in lines if line.chapter == chapter.split()[0])
        print(f"{chapter:28}{number:5}" + "".join(f"{found[verdict] or '':>10}" for verdict in VERDICTS))
    found = Counter(line.verdict for line in lines)
    print(f"{'':28}{len(lines):5}" + "".join(f"{found[verdict]:>10}" for verdict in VERDICTS))
    for verdict, title in (("deployer", "The deployer's"), ("not", "Not met")):
        print(f"\n{title}\n")
        for line in lines:
            if line.verdict == verdict:
                print(f"[ ] {line.id} (level {line.level}) {line.asks}: {line.why}")


if __name__ == "__main__":
    main()
