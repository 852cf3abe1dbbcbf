"""Тексти тривог. Кожне правило має назву, значення, пораду і, де немає числа, умову завершення."""

TEXTS = {
    "alerts.perhaps_again": "можливо, вже надіслано",
    "alerts.test_only": "Це лише перевірка. Усе гаразд; значення вигадані.",
    "alerts.unknown_rule": "тривога {rule}",
    "alerts.step.raised": "{title}",
    "alerts.step.worse": "{title} (стало гірше)",
    "alerts.step.repeat": "{title} (триває)",
    "alerts.step.cleared": "{title} – минуло",
    "alerts.step.acknowledged": "{by} уже знає: {title}",
    "alerts.step.test": "ПЕРЕВІРКА: {title}",
    "alerts.limit": "межа {limit}",
    "alerts.since": "з {time}",
    "alerts.since_for": "з {time} ({span})",
    "alerts.worst": "найгірше {value}",
    "alerts.fewer": "Більше не нагадую так часто.",
    "alerts.acknowledged_short": "{by} уже знає",
    "alerts.lasted": "Тривало {span}, з {time}.",
    "alerts.unmeasured": "Те, про що йшлося, уже кілька годин не вимірюється; решта в нормі.",
    "alerts.unmeasured_all": "Уже добу цього ніщо не вимірює, тож чи минуло воно – невідомо.",
    "alerts.step.unmeasured": "{title} – більше не вимірюється",
    "alerts.open": (
        "Триває {count} тривога:|Тривають {count} тривоги, найгірші спершу:|"
        "Триває {count} тривог, найгірші спершу:"
    ),
    "alerts.seen_all": (
        "{by} уже знає про {count} тривогу|{by} уже знає про {count} тривоги|{by} уже знає про {count} тривог"
    ),
    "alerts.also": "Також триває:",
    "alerts.other_and": ", ",
    "alerts.go_on": "{others} працює далі|{others} працюють далі|{others} працюють далі",
    "alerts.go_on_only": (
        "далі працює тільки {others}|далі працюють тільки {others}|далі працюють тільки {others}"
    ),
    "alerts.other": "{name} ({soc})",
    "alerts.worst_now": "Найгірше було {worst}, зараз {value}.",
    "alerts.over_below": "Мине, коли стане нижче {clear}.",
    "alerts.over_above": "Мине, коли стане вище {clear}.",
    "alerts.grade": "{severity}, код {code}",
    "alerts.code": "код {code}",
    "alerts.code_line": "Код {code}",
    "alerts.severity.info": "До відома",
    "alerts.severity.warning": "Попередження",
    "alerts.severity.error": "Серйозно",
    "alerts.severity.critical": "Критично",
    "alerts.several": (
        "{count} повідомлення про тривоги|{count} повідомлення про тривоги|{count} повідомлень про тривоги"
    ),
    "alerts.earlier": "і ще {count}|і ще {count}|і ще {count}",
    "alerts.subject.inverter": "Інвертор",
    "alerts.subject.one_inverter": "Інвертор {name}",
    "alerts.subject.host": "Моніторинг",
    "alerts.subject.house": "Дім",
    # Комірки
    "alerts.cell_high.title": "комірка {cell} майже переповнена",
    "alerts.cell_high.meaning": (
        "Найвища комірка вирішує за всю батарею: на її межі BMS зупинить заряджання, а далі комірка псуватиметься."
    ),
    "alerts.cell_high.action": (
        "Дайте заряджанню завершитися або зменште струм. Перевірте, чи не зависоку напругу задано зарядному."
    ),
    "alerts.cell_high.detail": "BMS сама зупинить заряджання за {limit}.",
    "alerts.cell_low.title": "комірка {cell} майже порожня",
    "alerts.cell_low.meaning": (
        "Найнижча комірка вирішує за всю батарею: на її межі BMS вимкнеться, і в домі згасне світло."
    ),
    "alerts.cell_low.others.meaning": (
        "Найнижча комірка вирішує за всю батарею: на її межі BMS вимкне цю батарею; {go_on}."
    ),
    "alerts.cell_low.cut.meaning": "Цю батарею вимкнено, вона нічого не дає; {go_on}.",
    "alerts.cell_low.action": "Вимкніть зайве або зарядіть батарею.",
    "alerts.cell_low.charged.action": "Вона вже заряджається. Поки заряду мало, зайвого не вмикайте.",
    "alerts.cell_low.scarce.action": "Вимкніть зайве: зарядити батарею зараз нема чим.",
    "alerts.cell_low.detail": "BMS сама вимкнеться за {limit}.",
    "alerts.cell_spread.title": "завеликий розбіг комірок",
    "alerts.cell_spread.meaning": (
        "Найвища напруга – у комірки {high}, найнижча – у комірки {low}. Батарея вміщує менше: перша завершує "
        "заряджання, друга – розряджання."
    ),
    "alerts.cell_spread.action": (
        "Зарядіть батарею повністю й повільно, щоб балансир устиг. Якщо повторюється – з’ясуйте, яка комірка винна."
    ),
    "alerts.cell_spread.scarce.action": (
        "Поки що зменште споживання. Коли буде мережа чи сонце, зарядіть батарею повністю й повільно, щоб балансир устиг."
    ),
    "alerts.cell_spread.critical.action": (
        "Зменште споживання й заряджання, доки не з’ясуєте, яка це комірка й чому. Комірку, що лишається набагато "
        "нижчою за інші, окремо не заряджайте."
    ),
    "alerts.cell_spread.ask": "/health покаже, яка комірка винна.",
    "alerts.cell_spread.detail": "Середня напруга комірок: {mean}.",
    "alerts.pack_high.title": "напруга батареї зависока",
    "alerts.pack_high.meaning": "Усі комірки разом уже переповнені.",
    "alerts.pack_high.action": "Зупиніть заряджання й перевірте, яку напругу задано зарядному.",
    "alerts.pack_low.title": "напруга батареї занизька",
    "alerts.pack_low.meaning": "Усі комірки разом майже порожні; BMS невдовзі вимкнеться.",
    "alerts.pack_low.action": "Вимкніть зайве або зарядіть батарею.",
    "alerts.pack_low.charged.action": "Вона вже заряджається. Поки заряду мало, зайвого не вмикайте.",
    "alerts.pack_low.scarce.action": "Вимкніть зайве: зарядити батарею зараз нема чим.",
    # Тепло
    "alerts.cell_hot.title": "батарея перегрівається",
    "alerts.cell_hot.meaning": "Теплі комірки швидше старіють. Найтепліший датчик – {probe}.",
    "alerts.cell_hot.action": "Зменште струм і дайте доступ повітрю.",
    "alerts.cell_hot.critical.title": "батарея НЕБЕЗПЕЧНО гаряча",
    "alerts.cell_hot.critical.meaning": (
        "Такі гарячі комірки псуються й можуть розгерметизуватися або загорітися. Найтепліший датчик – {probe}."
    ),
    "alerts.cell_hot.critical.action": (
        "Негайно припиніть заряджання й споживання – здаля, на інверторі або автоматі. Не торкайтеся батареї й не "
        "відкривайте її. Якщо димить, пахне або гріється й без струму – вийдіть з кімнати й телефонуйте 101."
    ),
    "alerts.cell_hot.cleared": "батарея охолола",
    "alerts.charge_cold.title": "заряджання захолодних комірок",
    "alerts.charge_cold.meaning": (
        "Заряджання на такому холоді псує комірки назавжди. Найхолодніший датчик – {probe}."
    ),
    "alerts.charge_cold.action": "Зупиніть або зменште заряджання, доки батарея не зігріється.",
    "alerts.charge_cold.detail": "Струм заряджання {current}.",
    "alerts.temperature_spread.title": "різниця температур у батареї",
    "alerts.temperature_spread.meaning": (
        "Від {low} до {high}. Так буває через поганий контакт, несправну комірку або джерело тепла збоку."
    ),
    "alerts.temperature_spread.action": (
        "Подивіться, що стоїть поруч із батареєю. Клеми перевірте інфрачервоним термометром; не торкайтеся: "
        "вони під напругою й можуть бути гарячі. Щоб підтягнути клему, спершу вимкніть інвертор і батарею й "
        "дайте їй охолонути."
    ),
    "alerts.mosfet_hot.title": "ключі MOSFET перегріваються",
    "alerts.mosfet_hot.meaning": "Струм гріє BMS більше, ніж вона встигає охолонути. Вона вимкнеться, щоб захистити себе.",
    "alerts.mosfet_hot.action": "Зменште споживання або заряджання й дайте BMS доступ повітря. Не торкайтеся її.",
    "alerts.mosfet_hot.detail": "BMS сама вимкнеться за {limit}.",
    # Скільки лишилося
    "alerts.soc_low.title": "низький заряд",
    "alerts.soc_low.cleared": "заряд уже не низький",
    "alerts.soc_low.critical.title": "батарея майже розряджена",
    "alerts.soc_low.meaning": "Коли заряд скінчиться, BMS вимкнеться, і в домі згасне світло.",
    "alerts.soc_low.others.meaning": "Коли заряд скінчиться, BMS вимкне цю батарею; {go_on}.",
    "alerts.soc_low.cut.meaning": "Цю батарею вимкнено, вона нічого не дає; {go_on}.",
    "alerts.soc_low.action": "Вимкніть зайве або зарядіть батарею.",
    "alerts.soc_low.charged.action": "Вона вже заряджається. Поки заряду мало, зайвого не вмикайте.",
    "alerts.soc_low.scarce.action": "Вимкніть зайве: зарядити батарею зараз нема чим.",
    "alerts.soc_low.detail": "Пораховано із запасом; показаний заряд: {soc}.",
    "alerts.not_charged.title": "низький заряд, а батарея не заряджається",
    "alerts.not_charged.meaning": "Є мережа або сонця більше, ніж споживання, але батарея нічого не отримує.",
    "alerts.not_charged.action": "Перевірте налаштування заряджання в інверторі й чи ввімкнено заряджання в BMS.",
    "alerts.not_charged.over": "Мине, коли заряд досягне {clear} або почнеться заряджання.",
    "alerts.not_charged.explain": (
        "Лише там, де відомо про мережу або сонце: мережа є або сонце дає більше, ніж споживає дім, а в батарею "
        "йде щонайбільше 0,5 А."
    ),
    "alerts.soc_low.ask": "/until 07:00 покаже, чи вистачить заряду.",
    "alerts.runtime.title": "заряду вистачить ненадовго",
    "alerts.runtime.cleared": "заряду знову достатньо",
    "alerts.runtime.meaning": "Судячи зі споживання, світло згасне між {dark} і {dark_last}.",
    "alerts.runtime.action": "Вимкніть зайве або зарядіть батарею.",
    "alerts.runtime.scarce.action": "Вимкніть зайве: зарядити батарею зараз нема чим.",
    "alerts.runtime.cut.title": "батареї вимкнулися",
    "alerts.runtime.cut.meaning": "Заряд скінчився: вони більше нічого не дають.",
    "alerts.runtime.cut.action": "Їм потрібні мережа або сонце. Вимкніть усе потужне, доки світло не повернулося.",
    "alerts.runtime.silent.title": "на скільки вистачить заряду – невідомо",
    "alerts.runtime.silent.meaning": "Батареї не відповідають. За останніми даними заряду лишалося мало.",
    "alerts.runtime.ask": "/until 07:00 покаже, чи вистачить заряду.",
    "alerts.runtime.over": "Мине, коли лишатиметься понад {clear}.",
    "alerts.runtime.detail": "Споживання: {power}.\nНе враховано, бо мовчить: {uncounted}.",
    "alerts.going_dark.title": "світло згасне близько {dark}",
    "alerts.going_dark.meaning": (
        "Судячи зі споживання, батарея вимкнеться між {dark} і {dark_last}. Історія вимірювань збережеться."
    ),
    "alerts.going_dark.action": "Вимкніть комп’ютери просто зараз, а також усе потужне.",
    "alerts.going_dark.cut.title": "батареї вимкнулися",
    "alerts.going_dark.cut.meaning": "Заряд скінчився: вони більше нічого не дають.",
    "alerts.going_dark.cut.action": "Їм потрібні мережа або сонце. Вимкніть усе потужне, доки світло не повернулося.",
    "alerts.going_dark.silent.title": "світло згасне, але коли – невідомо",
    "alerts.going_dark.silent.meaning": "Батареї не відповідають. За останніми даними вони були майже порожні.",
    "alerts.going_dark.over": (
        "Мине, коли повернеться мережа або батарея заряджатиметься; понад 20 % – також коли лишатиметься понад "
        "{clear}."
    ),
    "alerts.going_dark.detail": "Споживання: {power}.\nНе враховано, бо мовчить: {uncounted}.",
    "alerts.going_dark.cleared": "відключення більше не загрожує",
    "alerts.pack_ending.title": "вимкнеться близько {dark}; {go_on}",
    "alerts.pack_ending.meaning": (
        "Судячи зі споживання, її BMS вимкнеться між {dark} і {dark_last}. Тоді все ляже на решту."
    ),
    "alerts.pack_ending.action": "Подбайте, щоб навантаження не було завеликим для решти.",
    "alerts.pack_ending.over": (
        "Мине, коли повернеться мережа або батарея заряджатиметься; понад 20 % – також коли лишатиметься понад "
        "{clear}."
    ),
    "alerts.pack_ending.cleared": "вимкнення більше не загрожує",
    "alerts.pack_ending.cut.title": "вимкнулася; {go_on}",
    "alerts.pack_ending.cut.meaning": "Вона порожня й нічого не дає, доки її не зарядять.",
    "alerts.pack_cut.title": "вимкнулася; {go_on}",
    "alerts.pack_cut.alone.title": "вимкнулася",
    "alerts.pack_cut.meaning": "Її вимкнула BMS, тож вона нічого не дає.",
    "alerts.pack_cut.action": (
        "Подбайте, щоб навантаження не було завеликим для решти. Порожня батарея нічого не дає, доки її не зарядить "
        "мережа чи сонце."
    ),
    "alerts.pack_cut.over": "Мине, коли BMS знову її ввімкне.",
    "alerts.pack_cut.cleared": "знову ввімкнена",
    "alerts.house_dark.title": "немає світла",
    "alerts.house_dark.meaning": "Мережі немає, й інвертор нічого не дає.",
    "alerts.house_dark.output.meaning": "Батареї вимкнулися, й інвертор нічого не дає.",
    "alerts.house_dark.cut.title": "батареї вимкнулися – мабуть, немає світла",
    "alerts.house_dark.cut.meaning": "Досі вони живили дім, а тепер не дають нічого. Чи живить його щось інше – невідомо.",
    "alerts.house_dark.silent.title": "мабуть, немає світла",
    "alerts.house_dark.silent.meaning": "Батареї вимкнулися, а інвертор більше нічого не повідомляє.",
    "alerts.house_dark.action": (
        "Вимкніть усе потужне, доки світло не повернулося. Порожній батареї потрібні мережа або сонце; після "
        "перевантаження спершу з’ясуйте, що було зайвим."
    ),
    "alerts.house_dark.detail": "Заряд: {soc}.",
    "alerts.house_dark.over": "Мине, коли знову буде світло.",
    "alerts.house_dark.cleared": "світло є",
    "alerts.house_dark.ended": "Коли світло зникло, заряд був {soc}.\nЗараз {soc_now}.",
    # Струми й вимикачі
    "alerts.charge_current.title": "струм заряджання на межі",
    "alerts.charge_current.meaning": (
        "Понад {limit} BMS вимикає струм, а вимикання великого струму її зношує."
    ),
    "alerts.charge_current.action": "Зменште струм зарядного пристрою.",
    "alerts.discharge_current.title": "струм розряджання на межі",
    "alerts.discharge_current.meaning": "Понад {limit} BMS вимкне струм, і світло в домі може одразу згаснути.",
    "alerts.discharge_current.action": "Вимкніть щось потужне.",
    "alerts.switch_off.title": "{part} вимкнено",
    "alerts.switch_off.meaning": (
        "У BMS вимкнено ключ MOSFET, і цього не пояснює ні тривога, ні повна чи порожня батарея."
    ),
    "alerts.switch_off.action": (
        "Якщо це зробили не ви, спершу з’ясуйте в застосунку BMS, чому вимкнено, і лише тоді вмикайте."
    ),
    "alerts.switch_off.detail": "Без неї {go_on}.",
    "alerts.switch_off.over": "Мине, коли ключ буде ввімкнено.",
    "alerts.switch_off.cleared": "{part} знову ввімкнено",
    "alerts.part.charge": "заряджання",
    "alerts.part.discharge": "розряджання",
    "alerts.bms_alarm.title": "BMS повідомляє: {part}",
    "alerts.bms_alarm.meaning": "Цю тривогу подала сама BMS; можливо, вона вже вимкнула струм.",
    "alerts.bms_alarm.action": "Спершу з’ясуйте причину, тоді вмикайте знову.",
    "alerts.bms_alarm.empty.meaning": "Батарея порожня: BMS уже вимкнула її або от-от вимкне.",
    "alerts.bms_alarm.empty.action": (
        "Вона нічого не даватиме, доки її не зарядить мережа чи сонце. А поки зменште споживання."
    ),
    "alerts.bms_alarm.over": "Мине, коли BMS зніме тривогу.",
    "alerts.bms_alarm.cleared": "BMS зняла тривогу: {part}",
    "alerts.emergency.title": "аварійний режим BMS закінчиться через {value}",
    "alerts.emergency.meaning": (
        "У цьому режимі BMS живить дім, хоча захист уже вимкнув би батарею. Коли час вийде, захист знову діятиме і "
        "дім може залишитися без світла."
    ),
    "alerts.emergency.action": "Заряджайте батарею або вимкніть усе, що не можна знеструмлювати раптово.",
    "alerts.emergency.scarce.action": "Вимкніть усе, що не можна знеструмлювати раптово: зарядити батарею зараз нема чим.",
    "alerts.emergency.over": "Мине, коли режим закінчиться або його продовжать.",
    "alerts.emergency.cleared": "аварійний режим BMS продовжено, або він закінчився й захист знову діє",
    # З'єднання й вік
    "alerts.wire.title": "завеликий опір дроту балансування комірки {cell}",
    "alerts.wire.meaning": (
        "Через поганий дріт BMS бачить неправильну напругу цієї комірки й неправильно балансує."
    ),
    "alerts.wire.action": (
        "Спершу вимкніть інвертор і батарею: клеми під напругою. Тоді підтягніть і почистьте клему та роз’єм цього дроту."
    ),
    "alerts.soh_low.title": "батарея постаріла",
    "alerts.soh_low.meaning": "Стільки, за даними BMS, лишилося від початкової ємності.",
    "alerts.soh_low.action": (
        "Розраховуйте на меншу ємність і завчасно подумайте про заміну. Перевірте, чи не винні окремі "
        "комірки."
    ),
    "alerts.soh_low.ask": "/health покаже стан кожної комірки.",
    "alerts.cycles.title": "циклів заряду вже {value}",
    "alerts.cycles.meaning": "Далі виробники обіцяють менше, хоча комірки LFP часто служать набагато довше.",
    "alerts.cycles.action": "Нічого термінового; час від часу перевіряйте стан комірок.",
    "alerts.cycles.ask": "/health покаже стан кожної комірки.",
    "alerts.cycles.over": "Про це повідомляю лише раз.",
    "alerts.cell_fault.title": "комірка {cell}: {kind}",
    "alerts.cell_fault.meaning": "Це показали виміри за кілька тижнів.",
    "alerts.cell_fault.ask": "/health покаже, наскільки це певно.",
    "alerts.cell_fault.action": "{advice}",
    "alerts.cell_fault.over": "Мине, коли виміри цього більше не показуватимуть.",
    "alerts.cell_fault.cleared": "комірка {cell} знову в нормі",
    # Зв'язок із батареєю
    "alerts.bms_silent.title": "BMS не відповідає",
    "alerts.bms_silent.meaning": "Доки вона мовчить, про батарею нічого не відомо, й інших тривог про неї не буде.",
    "alerts.bms_silent.action": (
        "Часто з’єднання тримає телефон: закрийте в ньому застосунок BMS. Якщо не в цьому справа, перевірте живлення BMS."
    ),
    "alerts.bms_silent.ask": "/link покаже стан зв’язку.",
    "alerts.bms_silent.detail": "{verdict}",
    "alerts.bms_silent.over": "Мине з першими справними даними.",
    "alerts.bms_silent.cleared": "BMS знову відповідає",
    "alerts.bms_frozen.title": "BMS повторює ті самі значення",
    "alerts.bms_frozen.meaning": "Її лічильники стоять, тож вона показує минуле. Не покладайтеся на ці дані.",
    "alerts.bms_frozen.action": (
        "Її захист теж може не діяти: вимкніть зарядне й усе потужне. Якщо це триває, перезапустіть BMS; доки вона не "
        "запрацює, батарея нічого не живитиме й у домі може не бути світла."
    ),
    "alerts.bms_frozen.over": "Мине, коли значення знову змінюватимуться.",
    "alerts.bms_frozen.cleared": "значення BMS знову змінюються",
    "alerts.bms_implausible.title": "BMS надсилає неможливі значення",
    "alerts.bms_implausible.meaning": "За десять хвилин відкинуто показань: {value}. Показую лише решту.",
    "alerts.bms_implausible.action": "Поставте адаптер Bluetooth ближче. Якщо не минеться, перевірте роз’єми BMS.",
    "alerts.bms_implausible.detail": "Останнє: {reason}",
    "alerts.bms_implausible.over": "Мине, коли десять хвилин не буде жодного.",
    "alerts.bms_implausible.cleared": "значенням BMS знову можна вірити",
    # Мережа й інвертор
    "alerts.grid_lost.title": "мережа зникла",
    "alerts.grid_lost.meaning": "Дім тепер живиться від батареї.",
    "alerts.grid_lost.action": "Вимкніть зайве, щоб заряду вистачило.",
    "alerts.grid_lost.ask": "/until 07:00 покаже, чи вистачить заряду.",
    "alerts.grid_lost.detail": "Заряд: {soc}.\nСпоживання: {load_power}.",
    "alerts.grid_lost.over": "Мине, коли мережа з’явиться.",
    "alerts.grid_lost.cleared": "мережа з’явилася",
    "alerts.inverter_stale.title": "від інвертора немає даних",
    "alerts.inverter_stale.meaning": "Доки він мовчить, невідомо, чи є мережа і скільки споживає дім.",
    "alerts.inverter_stale.action": "Перевірте програму інвертора та його кабель.",
    "alerts.inverter_stale.over": "Мине з першими новими записами.",
    "alerts.inverter_stale.cleared": "інвертор знову відповідає",
    # Пристрій, що стежить
    "alerts.disk_full.title": "на диску мало місця",
    "alerts.disk_full.meaning": "Коли він заповниться, історія не зберігатиметься.",
    "alerts.disk_full.action": (
        "Звільніть місце на цьому диску, наприклад від старих журналів і завантажень. У самій теці нічого не видаляйте: "
        "там історія."
    ),
    "alerts.disk_full.detail": "Диск теки {path}",
    "alerts.clock_jump.title": "годинник перескочив",
    "alerts.clock_jump.meaning": "Він зсунувся на {step}. Час подій довкола цієї миті може бути хибним, тривалість – ні.",
    "alerts.clock_jump.action": "Якщо повториться, перевірте службу часу на пристрої.",
    "alerts.clock_jump.over": "Про це повідомляю лише раз.",
    "alerts.database_failing.title": "історія не записується",
    "alerts.database_failing.meaning": "Дані чекають у пам’яті; якщо зникне живлення, вони пропадуть.",
    "alerts.database_failing.action": "Перевірте диск або картку пам’яті; більше скаже {tool} check.",
    "alerts.database_failing.detail": "База даних повідомляє: {error}",
    "alerts.database_failing.over": "Мине з першим вдалим записом.",
    "alerts.database_failing.cleared": "історія знову записується",
    "alerts.adapter_stuck.title": "адаптер Bluetooth завис",
    "alerts.adapter_stuck.meaning": "Його довелося вимикати й вмикати, або він зовсім нічого не чує.",
    "alerts.adapter_stuck.action": "Якщо це не минає, перезавантажте пристрій або візьміть інший адаптер.",
    "alerts.adapter_stuck.over": "Мине, коли він знову почує батарею.",
    "alerts.adapter_stuck.cleared": "адаптер Bluetooth знову працює",
    "alerts.started_after_crash.title": "знову працюю після раптової зупинки",
    "alerts.started_after_crash.meaning": (
        "Служба моніторингу або її пристрій зупинилися раптово, можливо, через зникнення живлення. "
        "В історії буде коротка прогалина."
    ),
    "alerts.started_after_crash.action": "Робити нічого не треба. Якщо таке часто – перегляньте її журнал.",
    "alerts.started_after_crash.over": "Про це повідомляю лише раз.",
    "alerts.bad_configuration.title": "у файлі налаштувань помилка",
    "alerts.bad_configuration.meaning": "Діє те, що в ньому було раніше; батареї читаються далі.",
    "alerts.bad_configuration.action": "Виправте файл; усі помилки покаже {tool} check.",
    "alerts.bad_configuration.detail": "{error}",
    "alerts.bad_configuration.over": "Мине за кілька секунд після виправлення.",
    "alerts.bad_configuration.cleared": "налаштування знову в порядку",
    # jk-util.py alerts --explain
    "alerts.explain.begins_above": "Починається з {set} і вище",
    "alerts.explain.begins_below": "Починається з {set} і нижче",
    "alerts.explain.begins_less": "Починається нижче {set}",
    "alerts.explain.confirmed": "{count} раз поспіль|{count} рази поспіль|{count} разів поспіль",
    "alerts.explain.lasting": "протягом {span}",
    "alerts.explain.example": "Наприклад: {title}.",
    "alerts.explain.off": "У цьому домі вимкнено (ALERTS_OFF): про це не повідомляється.",
    "alerts.explain.scaled": "Межі враховують налаштування самої BMS і тип комірок, якщо вони відомі.",
    "alerts.explain.scaled_bms": "Межі враховують налаштування самої BMS, якщо вони відомі.",
    "alerts.explain.scaled_cells": "Це межі для комірок LFP; для інших типів вони свої.",
    "alerts.explain.scaled_pack": "Це межі для 16 комірок LFP; для інших вони залежать від типу й кількості комірок.",
    "alerts.cell_spread.explain": (
        "Так біля повного й порожнього заряду. Посередині, за малого струму, досить і меншого, якщо це триває 10 хв: "
        "30 мВ – попередження, 60 мВ – критично."
    ),
    "alerts.emergency.explain": "Хвилини показано з округленням униз: менш ніж 10 хв – серйозно, менш ніж 5 хв – критично.",
    "alerts.switch_off.explain": "Критично, доки немає мережі, інакше це попередження.",
    "alerts.bms_silent.explain": (
        "За великого JK_BMS_POLL_INTERVAL починається пізніше: коли бракує трьох показів поспіль."
    ),
}
