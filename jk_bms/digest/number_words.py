"""How people write numbers, units, months and what they count, in English and Ukrainian: tables for ``proof``."""

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

SWITCH, FULL, GRID, HOLE, CELL, BATTERY = "switch", "full", "grid", "hole", "cell", "battery"
EVENTS = (SWITCH, FULL, GRID, HOLE)
OTHER = "other"  # what no digest counts
GENERIC = "generic"  # "times": what happened so often stands elsewhere in the sentence


class Counted(NamedTuple):
    """Something that a digest counts."""

    kind: str
    nouns: str  # behind a number they say what it counts
    cues: str = ""  # other words by which a sentence tells of it
    told: bool = True  # whether it may be what a sentence with "times" tells of


# The first that fits is taken: what is written with a word of another kind stands above that.
COUNTED = (
    Counted(
        SWITCH,
        r"switch(?:es|-?overs?)?|change-?overs?|take-?overs?|transitions?|transfers?|discharges|"
        r"переход(?:и|у|ів|ам|ах|ами)?|перехід|перемикан\w*|переключен\w*|розряд(?:и|ів|жен\w*)",
        r"switch\w*|autonom\w*|off-grid|grid-independent|t(?:ook|aken?|akes) over|st(?:ood|ands?) in|backup|discharg\w*|"
        r"(?:on|to|from) (?:the |its )?batter(?:y|ies)|battery (?:power|supply|operation|mode|time|phases?|periods?)|"
        r"переход\w*|перейш\w*|перемика\w*|перемкн\w*|переключ\w*|автоном\w*|резерв\w*|розря\w*|"
        r"(?:від|на|з) (?:батаре|акумулятор)\w*|живлення від (?!мереж)\w+",
    ),
    Counted(
        FULL,
        r"full (?:re)?charges?|recharges?|повн\w+ заряд\w*",
        r"full|fully|recharged|повн\w*",
    ),
    Counted(
        HOLE,
        r"(?:data )?(?:gaps?|holes?)|пропуск\w*|прогалин\w*",
        r"(?:no|without|missing|lost|in|in the) data|data recording|(?:data )?(?:is |was |were )?missing|"
        r"(?:nothing|not) (?:was |were )?recorded|"
        r"(?:без|в|у|немає|нема|не було|бракує|бракувало) даних|дан(?:і|их) (?:бул[аи] |було )?(?:не|нема|відсутн)\w*",
    ),
    Counted(
        GRID,
        r"(?:(?:power|grid|mains) )?(?:outages?|cuts?|failures?)|(?:power|grid|mains) interruptions?|blackouts?|"
        r"loss(?:es)? of (?:power|grid|mains)|"
        r"відключен\w*|знеструмлен\w*|зникнен\w*|вимкнен\w*|блекаут\w*|перебо(?:ї|їв|й|ю)",
        r"grid|mains|utility|power (?:was |went )?(?:lost|away|out|off)|lost power|"
        r"мереж\w*|світл\w*|електропостачан\w*|відключ\w*|вимика\w*|вимкн\w*|зник\w*|пропада\w*|відсутн\w*",
    ),
    Counted(CELL, r"cells?|комір\w*|елемент\w*|осеред\w*|банк\w*"),
    Counted(BATTERY, r"batter(?:y|ies)|packs?|акумулятор\w*|батаре\w*|акб", told=False),
    Counted(
        OTHER,
        r"alerts?|alarms?|warnings?|errors?|messages?|cycles?|restarts?|inverters?|panels?|storms?|"
        r"сповіщен\w*|тривог\w*|попереджен\w*|помил\w*|повідомлен\w*|цикл\w*|перезапуск\w*|інвертор\w*|панел\w*",
        told=False,
    ),
    Counted(
        GENERIC,
        r"times?|occasions?|interruptions?|occurrences?|events?|periods?|phases?|stretch(?:es)?|intervals?|episodes?|"
        r"раз(?:и|ів|у|ом|а)?|перерв\w*|період\w*|випадк\w*|випадок|фаз\w*|епізод\w*|інтервал\w*",
        told=False,
    ),
)
# Behind a number these are no noun, and no adjective of one.
NO_NOUN = (
    "and|or|but|at|in|on|by|to|from|for|with|the|a|an|of|than|then|while|when|which|that|till|until|between|"
    "is|was|are|were|be|has|had|did|it|its|he|she|they|not|only|more|today|overall|altogether|total|together|"
    "again|per|each|several|few|many|this|these|those|after|before|during|away|over|so|as|all|because|if|year|"
    "та|і|й|а|але|або|чи|в|у|на|о|об|з|із|зі|за|до|від|при|під|про|для|по|як|що|це|цей|не|ні|є|був|була|"
    "було|були|ще|сьогодні|кілька|декілька|багато|разом|загалом|всього|усього|після|коли|бо|року|році|рік|р"
)
# "3 times" and "twice" before one of these compare; they do not count.
MULTIPLE = (
    r"as|more than|less than|fewer|higher|lower|greater|larger|bigger|smaller|deeper|longer|shorter|"
    r"more (?:energy|power)|less|the (?:usual|mean|average)|stronger|"
    r"більш\w*|менш\w*|вищ\w*|нижч\w*|глибш\w*|довш\w*|сильніш\w*"
)

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
    1: "one once single один одна одне одну одного одної одному одній одним однією",
    2: "two twice both обидва обидві обоє два дві двох двом двома двічі",
    3: "three thrice три трьох трьом трьома тричі",
    4: "four чотири чотирьох чотирьом чотирма",
    5: "five п'ять п'яти п'ятьох п'ятьом п'ятьма",
    6: "six шість шести шістьох шістьом шістьма",
    7: "seven сім семи сімох сьома сімома",
    8: "eight вісім восьми вісьмох вісьмома",
    9: "nine дев'ять дев'яти дев'ятьох дев'ятьма",
    10: "ten десять десяти десятьох",
    11: "eleven одинадцять одинадцяти",
    12: "twelve дванадцять дванадцяти",
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
    100: "hundred сто ста",
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
ADVERBS = frozenset(["once", "twice", "thrice", "двічі", "тричі"])  # they count times without a noun
# These are numbers only where a noun of something counted follows: "one of them", "a single word".
PRONOUNS = frozenset(["both", "single", "обидва", "обидві", "обоє"]) | frozenset(_CARDINALS[1].split()) - {
    "once"
}
# And this one is a conjunction or part of a phrase.
NOT_ONCE = re.compile(
    r"once(?=\s+(?:again|more|the|its?|they|charging|charged)(?!\w))|(?<=at )once",
    re.IGNORECASE,
)

_ORDINALS = (
    r"first|перш(?:ий|а|е|ого|у|им|і|их)",
    r"second|[ву]друге|друг(?:ий|а|е|ого|у|им|і|их)",
    r"third|[ву]третє|треті[йх]|третя|третє|третього|третю|третім",
    r"fourth|четверт(?:ий|а|е|ого|у|им)",
    r"fifth|п'ят(?:ий|а|е|ого|у|им)",
    r"sixth|шост(?:ий|а|е|ого|у|им)",
    r"seventh|сьом(?:ий|е|ого|у|им)",
    r"eighth|восьм(?:ий|а|е|ого|у|им)",
    r"ninth|дев'ят(?:ий|а|е|ого|у|им)",
    r"tenth|десят(?:ий|а|е|ого|у|им)",
)
ORDINALS = tuple(re.compile(rf"(?<!\w)(?:{pattern})(?![\w'])", re.IGNORECASE) for pattern in _ORDINALS)

PART = re.compile(r"(?<!\w)(?:a|an|one|per)[\s-]+\Z", re.IGNORECASE)  # before an ordinal: "a third"
_NUMERAL = r"(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\w)"
# Of two letters or more; small ones only of i, v and x. Direct current and the stages of a charge are none.
ROMAN = re.compile(
    rf"(?<!\w)(?!(?:DC|CC|CV)(?!\w))(?=[IVXLCDM]{{2}}|[ivx]{{2,}}(?!\w))"
    rf"(?:M{{0,3}}(?:CM|CD|D?C{{0,3}}){_NUMERAL}|(?i:(?:X{{0,3}})(?:IX|IV|V?I{{0,3}}))(?!\w))"
)
LATIN = str.maketrans("ІХСМіх", "IXCMix")  # letters that look alike

# Claims that no digest makes, however true: parts, multiples, collectives, times of day in words.
VAGUE = re.compile(
    r"(?<!\w)(?:half|halves|halved|quarters?|double[ds]?|doubling|triple[ds]?|quadruple\w*|\w+fold|"
    r"(?:third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s|\w*scores?(?= of)|a score|\w*scores|"
    r"one (?:in|out of) (?:every )?(?:two|three|four|five|six|seven|eight|nine|ten)|"
    r"(?:most|much|part|parts|bulk|majority|portion|share) of|"
    r"couples?|pairs?|trio|o'clock|dozens?|hundreds|thousands|millions?|billions?|"
    r"половин\w*|чверт\w*|третин\w*|вдвічі|удвічі|втричі|утричі|вчетверо|вдвоє|удвоє|втроє|півтор\w*|пів|"
    r"півгодин\w*|півдня|півдоби|сотн\w+|сотень|десятк\w*|десяток|дюжин\w*|"
    r"пар(?:а|у|и|і|ою)|мільйон\w*|(?:трет|четверт|п'ят|шост|сьом|восьм|дев'ят|десят)\w+ частин\w*|"
    r"(?:о|об|по|після|до|перед|близько|з|із|від)\s+(?:\w+надцятій|\w+надцятої|двадцятій|двадцятої|"
    r"(?:перш|друг|трет|четверт|п'ят|шост|сьом|восьм|дев'ят|десят)(?:ій|ої|ьої))"
    r")(?![\w'])",
    re.IGNORECASE,
)
# What a digest of a day never tells: what will be, what to do, money, a pace, units that nothing here is measured in.
NO_FACT = re.compile(
    r"(?<!\w)(?:tomorrow|next (?:day|night|morning|week|month)|will|shall|should|recommend\w*|suggest\w*|advis\w+|advice|"
    r"forecast\w*|predict\w*|expect|expecting|is expected|are expected|replace|"
    r"завтра|післязавтра|рекоменд\w*|радимо|раджу|радить\w*|порад\w*|прогноз\w*|очікується|очікуємо|слід|варто|"
    r"потрібно|необхідно|треба|буде|будуть|замін(?:іть|ити)|"
    r"dollars?|euros?|hryvnias?|грн|гривень|гривні|євро|долар\w*|fahrenheit|kelvin|фаренгейт\w*|"
    r"(?:per|an|each|every) hour|(?:per|a|each|every) (?:day|week|month|minute)|hourly|щогодини|(?:на|за) (?:годину|хвилину)"
    r")(?![\w'])|[$€£¥₴]|°\s?[fk](?!\w)|(?<=[\w%])\s?/\s?(?:h|d|hr|hour|day|год|день|добу)(?!\w)",
    re.IGNORECASE,
)
# Words that say that something did not happen: true where it was counted, and counted zero times.
_LIGHT = r"(?:the )?(?:grid|mains|power|electricity)"
NEVER: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(rf"(?<!\w)(?:{pattern})(?![\w'])", re.IGNORECASE)
    for kind, pattern in (
        (
            GRID,
            rf"{_LIGHT} (?:was |has |had )?(?:never|not) (?:been )?(?:lost|away|out|off|cut|gone)|"
            rf"{_LIGHT} (?:was|stayed) (?:there|present|on|available|up) (?:all (?:day|the time)|the whole day|throughout)|"
            r"(?:no|without) (?:(?:power|grid|mains) )?(?:outages?|cuts|blackouts?)|"
            r"(?:мереж\w*|світло) (?:жодного разу |ні разу |ніколи )?не (?:зникал\w*|вимикал\w*|пропадал\w*|відключал\w*)|"
            r"(?:без|жодн\w+|не було) (?:відключен\w*|знеструмлен\w*|блекаут\w*)|"
            r"(?:мережа|світло) бул[ао] (?:весь|цілий) день",
        ),
        (
            SWITCH,
            r"(?:the )?house (?:never|did not|didn't) (?:r[au]n|lived?|switch(?:ed)?|go|went) (?:on|to)"
            r"(?: the| its)? batter(?:y|ies)|"
            r"(?:never|not once) (?:on|switched to) (?:the |its )?(?:battery|autonomous supply|backup)|"
            r"(?:no|without) (?:switch(?:es)?|transitions?|discharges?|times? on battery)|"
            r"battery (?:was )?never (?:used|needed)|"
            r"(?:дім|будинок) (?:жодного разу |ні разу |ніколи )?не переходив\w*|без переход\w*|жодн\w+ перех\w+",
        ),
        (
            FULL,
            r"never (?:been )?(?:fully charged|full)(?: again)?|"
            r"(?:жодного разу|ні разу) не (?:зарядил|заряджал)\w+ повністю",
        ),
        (
            HOLE,
            r"(?:no|without) (?:data )?(?:gaps?|holes?|missing data)|no data (?:was |were )?missing|"
            r"без (?:пропуск|прогалин)\w*",
        ),
        (
            CELL,
            r"(?:all|every) (?:of )?(?:the )?cells? (?:is|are|were|was) (?:fine|healthy|good|in order|ok|okay|well)|"
            r"no (?:weak|faulty|bad|leaking) cells?|"
            r"(?:усі|всі) (?:комірки|елементи) (?:справні|в порядку|у нормі|в нормі|добрі)",
        ),
    )
}
_WEEKDAYS = (
    "monday понеділок понеділка понеділку",
    "tuesday вівторок вівторка вівторку",
    "wednesday середа середу",
    "thursday четвер четверга",
    "friday п'ятниця п'ятницю п'ятниці",
    "saturday субота суботу суботи",
    "sunday неділя неділю неділі",
)
WEEKDAYS: Mapping[str, int] = {
    name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()
}
# Units that stand behind a number only; in front of them there must be one.
WANTS_NUMBER = re.compile(
    r"%|‰|°|(?<!\w)(?:percent(?!age)|per cent|pct|відсотк\w*|процент\w*|kwh|квт[ ·⋅*-]*год\w*)(?!\w)",
    re.IGNORECASE,
)
PICTURES = frozenset("💯🔟" + "".join(map(chr, range(0x1F550, 0x1F568))))  # clock faces
MIDNIGHT = re.compile(r"(?<!\w)(?:midnight|опівноч\w*|півноч\w*|північ|північчю)(?!\w)", re.IGNORECASE)
NOON = re.compile(r"(?<!\w)(?:noon|midday|опівдні|полудень|полудня|полудні)(?!\w)", re.IGNORECASE)
