"""The words that a text about a day may be written in, English and Ukrainian, and what each speaks of.

A table for ``meaning``. A word that is not here cannot be checked, so a text with it is refused: forecasts,
advice, inventions and opinions need no list of their own. A word that ends in ``*`` stands for all that begin so.
"""

import re
from collections.abc import Mapping

# What a word or phrase speaks of. Longer and more special ones stand first: what one has taken the next does not see.
# fmt: off
CUES: tuple[tuple[str, str], ...] = (
    # Not, where it can be checked.
    # "A good day" is no greeting.
    ("well",        "a (?:good|quiet|calm|normal|ordinary) day|an ordinary day"),
    ("zero",        "no times|not once|never once|zero times|жодного разу|ні разу"),
    ("not full",    "not full again|not full|not fully (?:re)?charged|not fully charged again|"
                    "not yet (?:fully )?charged|"
                    "did not (?:become|get) full(?: again)?|did not reach (?:a )?full charge|"
                    "has not been full(?: again)?|never reached full charge|до повного заряду не дійшло|"
                    "повністю (?:(?:батаре*|акумулятор*|вона|її) )?не заряд*|не заряд* повністю|"
                    "повного заряду не (?:було|досяг*)|"
                    "повного заряду після (?:цього|того) не було"),
    ("unknown",     "(?:is |was |are |were )?not known|unknown|невідом*|не відом*|нічого не відомо"),
    ("hello",       "good (?:morning|day|afternoon|evening)|hello|hi there|добр(?:ий|ого) (?:день|дня|ранок|ранку|"
                    "вечір|вечора)|"
                    "вітаю|привіт"),
    ("grid away",   "(?:grid|power|mains|electricity) (?:was |went |is )?(?:down|out)|no grid|no power from the grid|"
                    "(?:мережі|світла|електрики|електропостачання|струму) (?:двічі |тричі )?не було|"
                    "без (?:мережі|світла)|не було (?:мережі|світла|електрики|електропостачання|струму)"),
    ("hole",        "no data|without (?:any )?data|(?:nothing|not) (?:was |were )?recorded|missing data|"
                    "data (?:was |were |is |are )?missing|"
                    "(?:gaps?|holes?|interruptions?) in (?:the )?data(?: recording)?|data gaps?|gaps?|"
                    "даних (?:(?:про|від|з) (?:батаре*|акумулятор*) (?:\x00+ )?)?(?:двічі |тричі )?не (?:було|"
                    "записано)|дан* не записув*|немає даних|без даних|не було даних|"
                    "пропуск* (?:в|у) даних|пропуск* даних|прогалин* (?:в|у) даних|перерв* (?:в|у) даних|пропуск*|"
                    "прогалин*"),
    ("faulty",      "not in order|не в порядку|несправн*|faulty|of concern"),
    # Compared with the days before.
    ("slightly",    "(?:slightly|a little|a bit|somewhat|трохи|дещо|трошки)(?= (?:more|less|higher|lower|above|"
                    "below|over|under|"
                    "більше|менше|вище|нижче))"),
    ("much",        "(?:far|much|well|considerably|significantly|substantially|notably|значно|набагато|суттєво|помітно)"
                    "(?= (?:more|less|higher|lower|above|below|over|under|більше|менше|вище|нижче))"),
    # Of a cell: since when it is so.
    ("old fault",   "known (?:before|earlier|already)|already known|known for (?:long|some time)|not new|"
                    "(?:давно|раніше|вже|уже) відом*|відом* (?:давно|раніше|вже|уже)|давно|не нов*"),
    ("new fault",   "(?:certain |known |weak )?since today|new today|(?:нове|відомо|стало відомо) сьогодні|з сьогодні"),
    ("more",        "(?:more|higher) than the (?:usual|average) (?:minimum|lowest charge|lowest)(?: of)?|(?:more|"
                    "higher) than (?:usual|the (?:usual|mean|average)|on average)|"
                    "(?:above|over) (?:the )?(?:usual|mean|average)|"
                    "than usual more|(?:більше|вище),? (?:ніж|за|від) (?:зазвичай|звичайн*|звичн*|середн*)|"
                    "понад (?:звичайне|середнє)|вище (?:звичайного|звичного|середнього)"),
    ("less",        "(?:less|lower) than the (?:usual|average) (?:minimum|lowest charge|lowest)(?: of)?|(?:less|"
                    "lower) than (?:usual|the (?:usual|mean|average)|on average)|"
                    "(?:below|under) (?:the )?(?:usual|mean|average)|"
                    "(?:менше|нижче),? (?:ніж|за|від) (?:зазвичай|звичайн*|звичн*|середн*)|"
                    "нижче (?:звичайного|звичного|середнього)"),
    ("same",        "as usual|the same as usual|як зазвичай|як і зазвичай"),
    # What happened.
    ("unseen",      "no (?:loss of the grid|time on battery|outages?|power cuts?) (?:was|were) seen|"
                    "(?:was|were) not seen|not seen|(?:не|нічого не) помічено"),
    ("well",        "all (?:went|was|is) (?:well|good|fine|calm|quiet)|everything (?:went|was|is) (?:well|fine|"
                    "in order)|"
                    "all in order|all good|"
                    "(?:усе|все) (?:було |пройшло |минуло )?(?:гаразд|добре|спокійно|нормально)|"
                    "день (?:був |минув |пройшов )?(?:спокійно|спокійний|звичайний|добрий|нормально)|спокійний день|"
                    "звичайний день"),
    ("over phase",  "t(?:ook|aken|akes?|aking) over"),
    ("phase",       "battery (?:twice |once )?(?:supplied|fed|powered|carried|ran) the (?:house|home)|"
                    "(?:supplied|fed|powered) (?:by|from) (?:the |its )?batter(?:y|ies)|"
                    "(?:живила|живив|живили|живить|тримала) (?:дім|будинок|оселю)"),
    ("load",        "(?:highest |peak |maximum |largest )?(?:load|consumption|demand)(?: of the house)?|"
                    "house (?:itself )?(?:load|peaked|drew|draw|took|used|needed|consumed)|"
                    "(?:the )?house(?:hold)? (?:drew|took|needed|consumed|used)|навантажен*|споживан* дому|"
                    "споживан* будинку|споживан*|дім споживав|будинок споживав"),
    ("draw",        "power drawn(?: from the battery)?|power from the battery|"
                    "(?:drawn|drew|taken|took|given|delivered) (?:from|by) the battery|"
                    "battery (?:gave|delivered|supplied|provided)|(?:peak|highest|maximum|max) battery power|draw|"
                    "discharge power|потужн* (?:від|з) батаре*|"
                    "потужн* розряд*|віддавал* (?:до|максимум)|потужн* батаре*"),
    ("fed",         "took little from the battery|узяв небагато|взяв небагато"),
    ("phase",       "(?:switch|chang|transferr|mov)(?:ed|es|ing)? (?:over )?to (?:the |its )?"
                    "(?:autonomous (?:supply|power|operation)|batter(?:y|ies))(?: power| supply| operation)?|"
                    "autonomous (?:supply|power|operation|mode|periods?)|"
                    "battery (?:power|supply|operation|mode|time|phases?|periods?|switch(?:es)?)|"
                    "(?:time|times|spell|period|periods|hours?) on (?:the )?battery|"
                    "(?:on|ran on|lived on|live on|run on|running on|living on|was on|from) "
                    "(?:the |its )?batter(?:y|ies)(?: power| supply)?|"
                    "switch(?:es|-?overs?|ed)?|change-?overs?|stood in|autonomous*|backup|"
                    "перехід* (?:дому |будинку )?на (?:автономне живлення|живлення від батаре*|батаре*|акумулятор*)|"
                    "переход* на (?:автономне живлення|живлення від батаре*|батаре*|акумулятор*)|автономн* живленн*|"
                    "автономн* період*|автономн* робот*|автономно|живлен* від (?:батаре*|акумулятор*|неї)|"
                    "(?:від|на) (?:батаре*|акумулятор*)|переход*|перехід*|перейш*|перемик*|перемкн*|переключ*|"
                    "автоном*"),
    ("full",        "(?:the battery |it )?(?:was |is |became |become |got )?full again|fully (?:re)?charged(?: again)?|"
                    "full charges?|full (?:re)?charge|charged (?:to )?full|recharged to full|full|fully|повн* заряд*|"
                    "повністю заряд*|знову повн*|заряд* повністю|повн*|повністю"),
    ("fall",        "(?:lost|loses|lose)(?= \x00+(?! times))|втратив*(?= \x00)|втратила(?= \x00)"),
    ("grid away",   "(?:power |grid |mains )?outages?|(?:power|grid|mains)? ?(?:cuts|cut|failures?|interruptions?)|"
                    "blackouts?|loss(?:es)? of (?:power|grid|the grid|mains)|відключен*|знеструмлен*|зникнен*|блекаут*|"
                    "вимкнен*"),
    ("grid",        "grid|mains|utility|electricity|мереж*|світл*|електропостачан*|електроенергі*|електрик*"),
    ("away",        "away|lost|"
                    "went off|"
                       "was off|was out|gone|absent|unavailable|missing|failed|disappeared|"
                    "зник*|пропада*|пропал*|відсутн*|відключал*|відключил*|вимикал*|вимкн*|не стало"),
    ("now",         "still going on|still so|it still is so|still|ongoing|going on|now|currently|at the moment|"
                    "so far|і досі|"
                    "досі|зараз|триває|тепер"),
    ("weak",        "weak*|слабк*|слабш*"),
    ("leaking",     "leaking(?: charge)?|loses charge|losing charge|втрача* заряд"),
    ("bad connection","poorly connected|bad connection|bad contact|поган* контакт*"),
    ("since",       "recording only (?:began|started)|запис* (?:даних )?(?:лише )?(?:почав*|розпочав*)|"
                    "recording (?:of (?:the )?(?:battery|pack) (?:\x00+ )?)?(?:began|started|begins)|"
                    "its recording began|began recording|"
                    "запис* (?:(?:для )?(?:батаре*|акумулятор*) (?:\x00+ )?)?(?:почав*|розпочав*|починає*)|"
                    "почав* запис*"),
    ("covered",     "covered|covers|the (?:digest|summary|report) (?:covers|is)|охоплен*|охоплює|період спостереження"),
    # What was measured.
    ("delta",       "(?:розкид*|розбіг*|розбіжн*) напруг* (?:між )?комір*|(?:largest |"
                    "highest )?(?:cell )?voltage (?:difference|spread)s?(?: between (?:the )?cells?)?|"
                    "різниц* напруг* (?:між )?комір*|(?:cell )?(?:difference|spread|delta|gap|"
                    "imbalance)s?(?: (?:between|of|among) (?:the )?cells?)?|"
                    "cells? (?:were|was|stayed|are|lay) within|within|apart|розходил*|розійшл*|"
                    "розбіг* (?:між )?комір*|різниц* (?:між )?комір*|"
                    "дисбаланс*|розкид*|розбіг*|розбіжн*|різниц*"),
    ("temp",        "temperatures?|температур*"),
    ("voltage",     "(?:pack |battery )?voltages?|напруг*"),
    ("low temp",    "coldest|найхолодн*|cooled to|cool as|охолон*"),
    ("high temp",   "warmest|hottest|найтепл*|найгаряч*|нагрі*"),
    ("low",         "(?:опускал*|опустил*|знижувал*|знизил*|просіл*|падал*) до|minimum|minimal*|min|lowest|least|"
                    "low|down to|"
                    "(?:fell|dropped|dipped|went down|sank|declined|decreased|fallen|drained) to|bottomed(?: out)?|"
                    "найнижч*|мінім*|найменш*|"
                    "(?:впав|упав|впала|упала|впали|упали|знизив*|опустив*|опускав*|впало|просів|сів) (?:лише |"
                    "аж )?до"),
    ("high",        "high(?= of)|maximum|max|highest|peak*|most|largest|biggest|greatest|at most|up to|"
                    "(?:rose|climbed|went up|increased|risen) to|top|щонайбільше|не перевищ*|найвищ*|максим*|"
                    "найбільш*|пік*|"
                    "(?:піднявся|зріс|піднявсь|виріс) до|не більше"),
    ("fall",        "fell|falls|fallen|falling|fall|dropped|drop|dropping|dipped|went down|declin*|decreas*|lost|lose|"
                    "loses|впав|упав|впала|упала|падав|падіння|знизив*|знижен*|опустив*|зменшив*|втратив*|втратила|"
                    "просів"),
    ("listed",      "(?<=\x00 )(?:more|less|higher|lower|більше|менше)|no(?=\\.? ?\x00)"),
    ("move",        "в межах|у межах|змінювал*|moved|ranged|ranging|varied|between|стояв|коливав*|коливал*|"
                    "змінював*|між"),
    ("longest",     "longest|найдовш*|найтриваліш*"),
    ("shortest",    "shortest|найкоротш*"),
    ("deepest",     "deepest(?: discharge)?|найглибш*(?: розряд*)?"),
    ("longer",      "longer(?! than)|довш*(?!,? (?:ніж|за|від))"),
    ("shorter",     "shorter(?! than)|коротш*(?!,? (?:ніж|за|від))"),
    ("deeper",      "deeper(?! than)|глибш*(?!,? (?:ніж|за|від))"),
    ("bound",       "less than|more than|fewer than|lower than|higher than|longer than|shorter than|at least|"
                    "no less than|under|below|above|over|менше(?: ніж| за)|більше(?: ніж| за)|щонайменше|не менше|"
                    "понад|"
                    "нижче|вище|довше|коротше|менш як|більш як"),
    ("all day",     "(?:all|everything)(?: of it)? (?:is |was )?known|complete*|повні дані|дані повні|all day|"
                    "all the time|the whole day|throughout|протягом (?:усього|всього|цілого) дня|весь день|"
                    "цілий день|увесь день|весь час|цілодобово|постійно"),
    ("all",         "(?:each|every) time|щоразу|кожного разу|(?<!in )(?:all|each|both|every)|усі|всі|кожн*|обидв*"),
    ("span total",  "in total|in all|altogether|together|overall|разом|загалом|усього|всього|сумарно"),
    ("last one",    "last(?= (?:time|switch|outage|one|period|spell|phase|power cut|cut))|останн*(?= (?:раз*|"
                    "відключен*|період*))|"
                    "востаннє"),
    ("before",      "(?:the )?last(?= \x00+)|останн*"),
    ("begin",       "(?:the )?day (?:began|started|opened)|(?:began|started|opened) the day|день (?:почав*|розпочав*)|"
                    "at the (?:begin|beginning|start)(?: of the day)?|to begin with|initially|"
                    "на початку(?: дня| доби)?|спочатку|початков*"),
    ("last",        "(?:at|by|towards) the (?:very )?end(?: of the day)?|in the end|finally|"
                    "(?:ended|finished|closed) the day(?: at| with)?|"
                    "(?:the )?day (?:ended|finished|closed)(?: at| with)?|день (?:завершив*|закінчив*)|"
                    "наприкінці(?: дня| доби)?|в кінці(?: дня)?|на кінець(?: дня| доби)?|"
                    "під кінець(?: дня)?|кінцев*"),
    ("out",         "energy out|went out|discharged|discharge|out|drawn|delivered|gave(?: back)?|given|supplied|"
                    "provided|"
                    "released|spent|віддан*|віддал*|віддав*|віддає*|розряджен*|витрачен*|витратил*|на розряд|"
                    "розряд*|вийшло|"
                    "видан*"),
    ("in",          "energy in|went in|goes in|charged with|charged|charge[ds]? in|in(?! (?:the|a|an|this|that|"
                    "its)(?!\\w))|into|taken in|stored|received|(?<!is )(?<!was )(?<!still )charging|took in|прийня*|"
                    "put in|recharged with|зарядж*|прийнят*|отриман*|отримал*|надійшло|увійшло|залито|на заряд|"
                    "закачан*"),
    ("mean",        "means? of|(?:mean|average) of the week(?: before)?|за тиждень у середньому|the mean|mean|average|"
                    "on average|usually|the usual|usual|ordinary|normal*|зазвичай|звичайн*|звичн*|у середньому|"
                    "в середньому|"
                    "середн*|середньому"),
    ("depth",       "by|на"),
    ("start",       "from|since|started|starting|starts|began|begins|beginning|starting at|з|із|зі|від|почал*|почав*|"
                    "починаючи|розпочал*"),
    ("closed",      "ended|ends|ending|finished|завершил*|завершив*|закінчил*|закінчив*"),
    ("end",         "to|until|till|up until|came back|come back|returned|restored|back|"
                    "charging (?:began|begins)|до|по|повернул*|відновил*|з'явил*"),
    ("house",       "house*|home|together as one|дім|дому|будин*|домі"),
    ("cell",        "cells?|комір*|елемент*|осеред*"),
    ("energy",      "energy|енерг*"),
    ("charge",      "(?:state of )?charge|level|soc|заряд|заряду|зарядом|заряді|рівень|рівня|рівні"),
    ("today",       "today|сьогодні"),
)
# Words that say nothing of their own.
FILLERS = """
a an the it its this that these those there which who whom whose he she they them their we our us you your is
are was were be been being has have had having do does did done would could as such also too only just at on
of for with then than after before during through about around nearly almost approximately roughly
circa and or but once again one ones two some any other another per cent percent percentage
point points battery batteries pack packs supply supplied power system device unit number no. nos count counts
total totals overall altogether summary digest report result results day date daily time times occasion
occasions event events period periods stretch phase phases first second third fourth fifth sixth seventh eighth
ninth tenth lasting lasted lasts long took take taking taken happened happen happens occurred occur
recorded seen measured noted registered counted reached reach reaching reaches hit stood stand stayed stay
remained remain came come went go goes made make found shown show shows called short brief shortly later earlier
meanwhile thereafter next afterwards following followed respectively please look check see note facts
fact information local together in autonomously independently compared comparison against previous preceding
days hours minutes seconds hour minute same equal equals known certain since today whether ran run running lived
living worked operated operating works work owner owners else rest health pm am data recording records sec min
what state course what's day's battery's house's today's home household itself makes while heads-up brought spent available
additionally moreover furthermore however plus
regarding concerning according measurements measurement observed detected reported finally eventually
hrs switching full-charge fully charge-time kept keep became become becomes got get gets value values reading
readings figure figures thing things here
це цей ця ці цього той та те ті того тому він вона воно вони його її їх який яка яке які що котрий був була було
були є бути буває мав мала мало мали має як так також теж лише тільки ще вже й і а але або чи о об у в на за з
із зі для під час про при після перед потім тоді поки між через близько майже приблизно десь орієнтовно
батаре* акумулятор* акб живленн* система системи системою пристрій потужн* номер кількість кількості загал*
усього всього разом сумарно підсумок підсумки звіт день дня добу доби дата дату число раз рази разів разу випад*
подія події період* фаза фази інтервал* епізод* перерв* перш* друг* трет* четверт* п'ят* шост* сьом* восьм*
дев'ят* десят* останн* тривал* тривав* триває довго стан* стал* відбул* відбув* сталося зафіксован* записан*
виміря* досяг* становив* становил* склав* склал* дорівнював* рівна дорівню* залишав* залишил* показ* знайден*
помічен* коротк* пізніше раніше згодом тим часом далі відповідно слідом порівнян* порівняно проти попередн* днів
дні годин* хвилин* секунд* відсот* процент* пункт* працював* працювал* жив жила жило власник* дані даних запис*
значенн* показник* обоє одна один одне одну одного одної них якого якої яким якому цьому цю
нього неї рік року році р решта інше див заживил* живив* живит* живил* забезпеч* знову тобто загалом ось
зверніть увагу уваг* відомо відома відомий протягом упродовж впродовж спостерігал* виявлен* оселя оселі оселю мережі
увага
сягал* сягнул* сягав* тоді доступн* наявн* зокрема крім-того також окремо щодо стосовно вимірюван* виміри
повідомля* вашого вашої ваш ваша ваше вашу наш
"""
# fmt: on
# What must not stand where nothing was found that takes it: each is refused.
NEGATIONS = (
    "not|no|never|none|nothing|nobody|neither|nor|cannot|without|hardly|barely|except|unless|nowhere|"
    r"\w+n't|не|ні|ніколи|нічого|ніхто|жодн*|без|немає|нема|ані|крім|окрім|ледь|навряд"
)
ALWAYS = "always|every|everything|everyone|entire|entirely|whole|завжди|усе|все|весь|увесь|цілий|ціла|вся"
# Times of the day in words, hours from and before which they speak of; a time must stand beside them.
DAYPARTS: Mapping[str, tuple[int, int]] = {
    "in the morning|in the early morning|morning|вранці|зранку|уранці|ранок": (4, 12),
    "in the afternoon|afternoon|після обіду|пополудні": (12, 18),
    "in the daytime|вдень|удень": (9, 18),
    "in the evening|this evening|evening|увечері|ввечері|вечора": (17, 24),
    "at night|in the night|вночі|уночі|ночі": (21, 30),
}


def pattern(words: str) -> re.Pattern[str]:
    """Return what finds one of ``words``, parted by ``|``, as a whole."""
    return re.compile(rf"(?<![\w'])(?:{spelled(words)})(?![\w'])", re.IGNORECASE)


def spelled(words: str) -> str:
    """Return ``words`` as a regular expression."""
    return words.replace("*", r"[\w']*")
