"""How people write numbers, units and months in English and Ukrainian: tables for ``proof``."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple


class Unit(NamedTuple):
    """One way to write a unit; a number of it times ``size`` is in the unit of its kind."""

    kind: str  # percent, energy, power, voltage, temperature, duration, day, other
    size: Decimal
    pattern: str


# Longer spellings first: the first that fits is taken. Kinds are in %, Wh, W, V, °C, s and days;
# nothing that a digest knows is of the kind ``other``. Single letters only in their own case.
# fmt: off
UNITS = (
    Unit("percent",     Decimal(1),       r"%|percentage points?|percent|per cent|pct|points?|pp"),
    Unit("percent",     Decimal(1),       r"відсотков\w* пункт\w*|відсот\w*|процент\w*|пункт\w*|п\.\s?п\."),
    Unit("energy",      Decimal(1000),    r"kwh|kw[ ·*-]h|kilowatt[ -]?hours?|квт[ ·⋅*-]*год\w*\.?|кіловат[ -]?годин\w*"),
    Unit("energy",      Decimal(1),       r"wh|watt[ -]?hours?|вт[ ·⋅*-]*год\w*\.?|ват[ -]?годин\w*"),
    Unit("power",       Decimal(1000),    r"kw|kilowatts?|квт|кіловат\w*"),
    Unit("power",       Decimal(1),       r"(?-i:W)|watts?|вт|ват(?:и|ів|а|ах)?"),
    Unit("voltage",     Decimal("0.001"), r"mv|millivolts?|мв|мілівольт\w*"),
    Unit("voltage",     Decimal(1),       r"(?-i:V)|volts?|(?-i:В)|вольт\w*"),
    Unit("temperature", Decimal(1),       r"°\s?c|°\s?с|°|degrees celsius|degrees|degree|градус\w*(?: цельсія)?|(?-i:C)"),
    Unit("day",         Decimal(1),       r"days?|дн\w+|день|діб|доб\w*"),
    Unit("hour",        Decimal(3600),    r"hours?|hrs?|(?-i:h)|годин\w*|год\.?"),
    Unit("minute",      Decimal(60),      r"minutes?|mins?|min|хвилин\w*|хв\.?"),
    Unit("second",      Decimal(1),       r"seconds?|secs?|(?-i:s)|секунд\w*|сек\.?"),
    Unit("other",       Decimal(1),       r"‰|ma?h|ah|(?-i:A)|amp(?:ere)?s?|(?-i:А)|а[ ·*-]*год\w*\.?|ампер\w*|hz|гц|ohms?"),
)
# fmt: on

_MONTHS = (
    "january jan січня січень січ",
    "february feb лютого лютий лют",
    "march mar березня березень бер",
    "april apr квітня квітень кві",
    "may травня травень тра",
    "june jun червня червень чер",
    "july jul липня липень лип",
    "august aug серпня серпень сер",
    "september sept sep вересня вересень вер",
    "october oct жовтня жовтень жов",
    "november nov листопада листопад лис",
    "december dec грудня грудень гру",
)
MONTHS: Mapping[str, int] = {
    name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()
}

_CARDINALS = {
    0: "zero нуль нуля",
    1: "one once один одна одне одну одного одної одному одній одним однією",
    2: "two twice два дві двох двом двома двічі",
    3: "three thrice три трьох трьом трьома тричі",
    4: "four чотири чотирьох чотирьом чотирма",
    5: "five п'ять п'яти п'ятьох п'ятьом п'ятьма",
    6: "six шість шести шістьох шістьом шістьма",
    7: "seven сім семи сімох сьома сімома",
    8: "eight вісім восьми вісьмох вісьмома",
    9: "nine дев'ять дев'яти дев'ятьох дев'ятьма",
    10: "ten десять десяти десятьох",
    11: "eleven одинадцять одинадцяти",
    12: "twelve dozen дванадцять дванадцяти дюжина",
    13: "thirteen тринадцять тринадцяти",
    14: "fourteen чотирнадцять чотирнадцяти",
    15: "fifteen п'ятнадцять п'ятнадцяти",
    16: "sixteen шістнадцять шістнадцяти",
    17: "seventeen сімнадцять сімнадцяти",
    18: "eighteen вісімнадцять вісімнадцяти",
    19: "nineteen дев'ятнадцять дев'ятнадцяти",
    20: "twenty двадцять двадцяти",
    30: "thirty тридцять тридцяти",
    40: "forty сорок сорока",
    50: "fifty п'ятдесят п'ятдесяти",
    60: "sixty шістдесят шістдесяти",
    70: "seventy сімдесят сімдесяти",
    80: "eighty вісімдесят вісімдесяти",
    90: "ninety дев'яносто дев'яноста",
    100: "hundred сто ста сотня",
    200: "двісті двохсот",
    300: "триста трьохсот",
    400: "чотириста чотирьохсот",
    500: "п'ятсот п'ятисот",
    600: "шістсот шестисот",
    700: "сімсот семисот",
    800: "вісімсот восьмисот",
    900: "дев'ятсот дев'ятисот",
    1000: "thousand тисяча тисячу тисячі тисяч",
}
CARDINALS: Mapping[str, int] = {word: value for value, words in _CARDINALS.items() for word in words.split()}

_ORDINALS = (
    r"first|перш(?:ий|а|е|ого|у|им|і|их)",
    r"second|друг(?:ий|а|е|ого|у|им|і|их)",
    r"third|треті[йх]|третя|третє|третього|третю|третім",
    r"fourth|четверт(?:ий|а|е|ого|у|им)",
    r"fifth|п'ят(?:ий|а|е|ого|у|им)",
    r"sixth|шост(?:ий|а|е|ого|у|им)",
    r"seventh|сьом(?:ий|е|ого|у|им)",
    r"eighth|восьм(?:ий|а|е|ого|у|им)",
    r"ninth|дев'ят(?:ий|а|е|ого|у|им)",
    r"tenth|десят(?:ий|а|е|ого|у|им)",
)
ORDINALS = tuple(re.compile(rf"(?<!\w)(?:{pattern})(?![\w'])", re.IGNORECASE) for pattern in _ORDINALS)

# Claims that no digest makes, however true: parts, multiples, times of day in words.
VAGUE = re.compile(
    r"(?<!\w)(?:half|halves|halved|quarters?|double[ds]?|doubling|triple[ds]?|quadruple\w*|tenfold|thirds|"
    r"two-thirds|o'clock|dozens|hundreds|thousands|millions?|billions?|"
    r"половин\w*|чверт\w*|третин\w*|вдвічі|удвічі|втричі|утричі|вчетверо|вдвоє|удвоє|втроє|півтор\w*|пів|"
    r"півгодин\w*|півдня|півдоби|сотні|сотень|десятк\w*|мільйон\w*|"
    r"(?:о|об|по|після|до|перед|близько|з|із|від)\s+(?:\w+надцятій|\w+надцятої|двадцятій|двадцятої|"
    r"(?:перш|друг|трет|четверт|п'ят|шост|сьом|восьм|дев'ят|десят)(?:ій|ої|ьої))"
    r")(?![\w'])",
    re.IGNORECASE,
)
# Units that stand behind a number only; in front of them there must be one.
WANTS_NUMBER = re.compile(
    r"%|‰|°|(?<!\w)(?:percent(?!age)|per cent|pct|відсотк\w*|процент\w*|kwh|квт[ ·⋅*-]*год\w*)(?!\w)",
    re.IGNORECASE,
)
PICTURES = frozenset("💯🔟" + "".join(map(chr, range(0x1F550, 0x1F568))))  # clock faces
MIDNIGHT = re.compile(r"(?<!\w)(?:midnight|опівноч\w*|півноч\w*|північ|північчю)(?!\w)", re.IGNORECASE)
NOON = re.compile(r"(?<!\w)(?:noon|midday|опівдні|полудень|полудня|полудні)(?!\w)", re.IGNORECASE)
