"""Lies and honest texts that were written from fact sheets alone, by an engineer who had not read the proof.

Each is of a made day, named by its seed; ``tests.digest.made_days`` makes the day anew. Days 30, 33, 26 and 21
were written after the proof had been mended by the others.
"""

ENGLISH_LIES: dict[int, tuple[str, ...]] = {
    3: (
        "The battery supplied the house for 8 hours because the grid was away.",
        "The grid was away for 8 hours, from 08:00 to 16:00.",
        "Over the whole day 2.0 kWh went in and 18.6 kWh went out.",
        "The lowest charge of 49.9 % was above the usual 52.1 %.",
        "The battery discharged less than usual: 18.6 kWh against 2.8 kWh.",
        "The first power cut began at 11:47 and the second at 04:25.",
        "The longer power cut came in the early morning, at 04:25.",
        "Each power cut lasted 40 minutes.",
        "The battery charged from empty to 100 % by 22:00.",
        "It was full at 22:00 and will be full tomorrow as well.",
        "At 09:15 the battery delivered 7207 W.",
        "The coldest moment came at 19:37 with -10.2 °C.",
        "The battery lost 49.8 % of its capacity.",
        "The charge fell to 49.8 % at 15:50.",
        "In the two power cuts the charge fell by 49.8 points.",
        "Without the grid the battery lasted 1 h 9 min.",
        "Friday was the coldest day of the week, -10.2 °C.",
        "The cells drifted apart by 107 mV, which means the balancer is failing.",
        "The charge was 99.7 % when the grid went away at 11:47.",
    ),
    4: (
        "The battery was never below 36.4 %.",
        "It was fully charged at 13:10.",
        "Between the two switches the battery recovered fully.",
        "The charge never fell below 30 %.",
        "The second time on battery was the deeper one.",
        "The sun brought the charge from 25.3 % back to 74.2 %.",
        "The battery reached 43.6 °C in the evening.",
        "The outage of 20 minutes happened while the battery was charging.",
        "When the last outage ended at 22:52 the battery was at 74.2 %.",
        "The battery ended the day with 67.4 kWh.",
        "The voltage dropped to 52.10 mV at 05:38.",
        "The battery ended Saturday fuller than it began.",
        "On Saturday the house ran on battery twice, for 26 minutes in total.",
        "The house stayed on battery without a break from 00:10 to 20:00.",
    ),
    7: (
        "The grid was stable all day.",
        "The last time on battery was the longest one.",
        "It was full again at 06:10, 10:10, 14:50 and 17:20.",
        "The battery took in less than usual, 13.6 kWh instead of 15.1 kWh.",
        "The house spent most of the day on battery.",
        "All four times the charge stayed above 86 %.",
        "The energy counters are complete for the day.",
    ),
    2: (
        "The grid was there all day without a gap.",
        "Cell 2 has been weak for 4 days.",
        "Cell 2 should be replaced soon.",
        "The weak cell 2 caused the difference of 48 mV.",
        "Energy out was 323 % of the usual.",
        "For 56 minutes the grid was away.",
        "The weak cell recovered by the end of the day.",
        "The mean energy in of the last 7 full days is 13.7 kWh.",
    ),
    0: (
        "Battery 1 ended the day at 89.7 %.",
        "Both batteries were full at 21:30.",
        "Battery 2 fell lower than battery 1.",
        "Nothing was recorded of either battery from 13:35 to 14:01.",
    ),
    30: (
        "The battery gave 88 % of what it usually gives.",
        "Only 12.4 kWh went in, 59 % less than usual.",
        "Both power cuts were over within 40 minutes.",
        "The second power cut was the shorter one, 42 minutes.",
        "The house switched to autonomous supply when the grid went away at 07:05.",
        "The weak cell 2 was known before.",
        "The three times on battery lasted 4 h each.",
        "The battery was full again after the second time.",
        "The lowest charge was much higher than usual.",
        "Less was discharged than charged, which is usual.",
        "The lowest charge was reached during the last time on battery.",
        "The first time on battery took it down to 60.1 %.",
        "The shallowest time on battery was the second.",
        "The year ends with the battery at 99.9 %.",
        "The house drew 4681 W at 04:06.",
        "The day ended at 82.5 %.",
        "The battery peaked at 99.9 %, so it was never full.",
        "Power was out for 82 minutes in the morning.",
        "The grid was away for 40 and 42 hours.",
        "Between 07:40 and 11:40 the charge rose from 60.1 % to 88.1 %.",
    ),
    33: (
        "A bit more than usual was charged.",
        "Slightly more energy than usual went out.",
        "After the power cut ended at 08:28 the house ran on the grid until 18:00.",
        "The battery fell by 36.4 % from 88.0 to 51.6 during the power cut.",
        "Data were missing for 22 minutes.",
        "The grid was lost at 00:48 and came back at 01:03.",
        "The deepest time on battery was the first one, down to 50.4 %.",
        "The battery was full at 17:50.",
        "Cell 6 reached 29 mV at 16:25.",
        "All three times on battery were longer than 4 h 30 min.",
        "It was warmest at 16:55.",
        "The battery powered the house for 7394 W at 16:55.",
        "The lowest charge was lower than usual.",
        "Despite a weak cell the battery performed well.",
    ),
    26: (
        "The house was on battery for 2 h 9 min during the power cut.",
        "At the end of the day the battery was charging.",
        "The house is no longer on battery.",
        "The battery was full at the end of the day.",
        "18.0 kWh were charged by 08:44.",
        "More was discharged than charged.",
        "At night the charge was lowest, 52.6 % at 14:30.",
        "The grid went away at 18:00.",
        "It ran on battery from 07:10 to 21:00.",
        "The first time on battery is still going on.",
        "The energy of the day is 18.0 kWh in and 8.1 kWh out, all of it known.",
    ),
    21: (
        "The battery was recharged fully after only the first time on battery.",
        "The first time on battery was shorter than the second.",
        "The grid failed at 04:30, and the battery took over.",
        "The charge recovered from 65.9 % to 78.0 % by the end of the day.",
        "Since 06:16, 22.2 kWh have been charged.",
        "The temperature peaked in the afternoon at 40.8 °C.",
        "The second outage was the longer one.",
        "The lowest charge was slightly above the usual 29.7 %.",
        "Both times the charge fell by more than 33 points.",
        "The battery was charged with 15.5 kWh more than it gave.",
        "The recording began while the grid was away.",
        "The cells differed by 122 mV when the voltage was 46.74 V.",
    ),
}

UKRAINIAN_LIES: dict[int, tuple[str, ...]] = {
    3: (
        "Протягом усього дня заряджено 2,0 кВт·год і віддано 18,6 кВт·год.",
        "Мережі не було з 08:00 до 16:00.",
        "Будинок перейшов на батарею, бо зникло світло.",
        "Світло вперше зникло об 11:47.",
        "Довше світла не було вранці – о 04:25.",
        "Найнижчий заряд 49,9 % кращий, ніж зазвичай (52,1 %).",
        "Батарея віддала менше, ніж зазвичай: 18,6 кВт·год замість 2,8 кВт·год.",
        "О 09:15 батарея віддавала 7207 Вт.",
        "Найхолодніше було ввечері: -10,2 °C.",
        "Батарея розрядилася повністю до 15:50.",
        "Заряд упав до 49,8 %.",
        "Завтра світла не буде з 11:47 до 12:27.",
        "Підсумок за четвер, 4 грудня.",
        "За 8 годин без мережі батарея втратила 49,8 пункту.",
        "Кожне відключення тривало менше ніж пів години.",
        "Середня температура була 22,4 °C.",
        "Напруга впала до 52,54 В через мороз.",
        "Найбільше споживання дому було о 01:09.",
        "Батарея весь день була повна.",
    ),
    4: (
        "Батарея знову зарядилася повністю о 13:10.",
        "Заряд не опускався нижче 36,4 %.",
        "Глибший розряд був увечері.",
        "День почався із зарядом 67,4 %.",
        "День закінчився з більшим зарядом, ніж почався.",
        "Сонце зарядило батарею до 74,2 %.",
        "Обидва відключення батарея пережила на повному заряді.",
        "О 22:52 заряд був 67,4 %.",
        "Разом будинок жив від батареї 26 хв.",
        "Віддано 20,0 кВт.",
        "Більшість енергії віддано вночі.",
        "Різниця між комірками зросла до 70 мВ через нагрів до 43,6 °C.",
        "У суботу мережа не зникала.",
        "Рекомендую підзарядити батарею перед ніччю.",
    ),
    7: (
        "Мережа працювала без перебоїв.",
        "Усі чотири рази заряд лишався вищим за 86 %.",
        "Найдовше від батареї жили востаннє.",
        "Заряджено 13,6 кВт·год, віддано 3,7 кВт·год.",
        "Енергія відома лише до 00:55.",
        "О 17:20 батарея знову була повна.",
        "Більшу частину дня дім живився від батареї.",
    ),
    2: (
        "Мережа була цілу добу.",
        "56 хв не було світла.",
        "Комірка 2 слабка вже чотири дні.",
        "Комірку 2 треба замінити.",
        "Усі комірки в порядку.",
        "Віддано 323 % від звичного.",
        "Заряджено на 8 % більше, ніж зазвичай.",
    ),
    0: (
        "Батарея 1 наприкінці дня мала 89,7 %.",
        "Обидві батареї були повні о 21:30.",
        "Запис батареї 2 почався о 04:00.",
        "Даних про обидві батареї не було 26 хв.",
        "Батарея 2 падала нижче, ніж батарея 1.",
    ),
    30: (
        "Батарея віддала 88 % від звичного.",
        "Заряджено 12,4 кВт·год, на 59 % менше, ніж зазвичай.",
        "Друге відключення було коротшим – 42 хв.",
        "Дім перейшов на батарею, коли о 07:05 зникла мережа.",
        "Слабкість комірки 2 відома давно.",
        "Усі три рази тривали по 4 год.",
        "Після другого разу батарея знову була повна.",
        "Найнижчий заряд був значно вищий, ніж зазвичай.",
        "Найнижчий заряд був під час останнього разу.",
        "Першого разу заряд упав до 60,1 %.",
        "Дім споживав 4681 Вт о 04:06.",
        "День завершився на 82,5 %.",
        "Світла не було вранці 1 год 22 хв.",
        "З 07:40 до 11:40 заряд зріс з 60,1 % до 88,1 %.",
        "Під час відключень заряд упав на 28,0 пункту.",
        "Найтепліше було о 16:00.",
    ),
    33: (
        "Заряджено трохи більше, ніж зазвичай.",
        "Віддано трохи більше, ніж зазвичай.",
        "Даних не було 22 хв.",
        "Мережа зникла о 00:48 і повернулася о 01:03.",
        "Найглибшим був перший раз, до 50,4 %.",
        "О 17:50 батарея була повна.",
        "Найнижчий заряд був нижчий за звичайний.",
        "Усі три рази були довші за 4 год 30 хв.",
        "Об 16:55 батарея віддавала 7394 Вт.",
        "Комірка 6 видужала.",
        "Після відключення дім жив від мережі до 18:00.",
        "Щоразу батарея заряджалася повністю.",
    ),
    26: (
        "Під час відключення дім жив від батареї 2 год 9 хв.",
        "Дім уже не живиться від батареї.",
        "Наприкінці дня батарея була повна.",
        "До 08:44 заряджено 18,0 кВт·год.",
        "Віддано більше, ніж заряджено.",
        "Мережа зникла о 18:00.",
        "Від батареї дім жив з 07:10 до 21:00.",
        "Перший раз триває досі.",
        "Найнижчий заряд був уночі.",
    ),
    21: (
        "Батарея зарядилася повністю лише один раз.",
        "З 06:16 заряджено 22,2 кВт·год.",
        "Друге відключення було довшим.",
        "Найнижчий заряд був лише трохи вищий за звичні 29,7 %.",
        "Мережа зникла о 04:30, і дім перейшов на батарею.",
        "Обидва рази заряд падав нижче 66 %.",
        "Запис почався під час відключення.",
        "Увечері температура сягала 40,8 °C.",
    ),
}

ENGLISH_HONEST: dict[int, tuple[str, ...]] = {
    3: (
        "On Friday, December 4, 2026, the house switched to battery power once, from 08:00 to 16:00 (8 hours). "
        "The charge fell from 99.7 % to 49.9 %, and the battery was full again at 22:00.",
        "Good evening! Here is your summary for 4 December 2026. The grid was away twice, for 1 h 9 min in total: "
        "from 04:25 to 04:54 and from 11:47 to 12:27. The battery reached its lowest charge, 49.9 %, at 15:50.",
        "**Daily summary, 04-12-2026**\n\n- Lowest charge: 49.9% at 15:50\n- Highest charge: 100.0% at 01:50\n"
        "- Charge at the end of the day: 100.0%\n- Peak house load: 7207 W at 09:15\n- Temperature: -10.2 °C to "
        "22.4 °C",
        "The day began with the battery at 85.0 % and ended with it at 100.0 %. The lowest point was 49.9 % at 15:50, "
        "a little below the usual 52.1 %.",
        "Energy is known only from 00:00 to 19:24: in that time 2.0 kWh went in and 18.6 kWh came out.",
        "The highest difference between the cells was 107 mV at 06:30. The lowest voltage was 52.54 V at 07:39.",
    ),
    4: (
        "Saturday, 5 December 2026: the house ran on battery twice. The first time, from 00:10 to 06:40, the charge "
        "dropped from 71.3 % to 25.3 %. The second time, from 13:10 to 20:00, it dropped from 74.2 % to 36.4 %. "
        "The battery was not fully charged again.",
        "The lowest charge of the day was 25.3 % at 06:30, and the highest was 74.2 % at 13:10. By the end of the day "
        "the battery stood at 67.4 %.",
        "There were two power cuts: 20 minutes from 04:21 and 6 minutes from 22:46.",
        "⚡ Grid: away 2 times (26 min in total)\n🔋 Battery: lowest 25.3 % (06:30), 67.4 % at the end\n"
        "🌡 Temperature: 7.3 to 43.6 °C\n🔌 Peak battery power: 3997 W at 09:09",
        "The longest time on battery lasted 6 h 50 min, and the charge fell by 37.8 points during it.",
    ),
    7: (
        "On Tuesday the house was on battery four times, and each time the battery was fully charged again "
        "afterwards: at 06:10, 10:10, 14:50 and 18:20.",
        "The lowest charge was 84.5 % at 08:30. The battery finished the day at 99.6 %.",
        "Since 00:55, 3.7 kWh were charged and 13.6 kWh were discharged; what came before is unknown. "
        "It is also unknown whether the grid was away.",
        "1. 02:00–04:20, 2 h 20 min, down to 86.1 %\n2. 06:20–08:40, 2 h 20 min, down to 84.5 %\n"
        "3. 10:40–13:20, 2 h 40 min, down to 86.0 %\n4. 15:00–17:20, 2 h 20 min, down to 88.4 %",
        "The cells were at most 105 mV apart, at 05:42. The temperature ranged from -1.2 °C to 23.7 °C.",
    ),
    2: (
        "Please note: cell 2 is weak. This has been certain since today.",
        "The battery delivered 24.6 kWh, far more than the usual 5.8 kWh (323 % more). It took in 12.7 kWh, "
        "8 % less than usual.",
        "No power cut was seen, but for 56 minutes, from 00:40 to 01:36, the state of the grid is unknown.",
        "Three switches to autonomous supply were recorded. The deepest was the first: the charge fell by 26.1 points, "
        "to 63.2 % at 06:30. After the third one the battery was full again at 22:50.",
        "Summary for Thursday, 3 December: 3 times on battery, minimum charge 63.2 % at 06:30, one full charge "
        "at 22:50.",
    ),
    0: (
        "The grid was not lost on 1 December 2026. The house ran on battery four times, and the last time, "
        "since 21:30, is still going on.",
        "Battery 1 (shed) had its lowest charge, 67.2 %, at 08:30 and ended the day at 86.1 %. Battery 2 (shed other) "
        "had its lowest charge, 87.5 %, at 00:00 and ended at 93.3 %.",
        "Taken together, the batteries were charged with 28.9 kWh and gave 28.7 kWh. The house needed at most 1210 W, "
        "at 15:38.",
        "No data was recorded for battery 2 from 13:35 to 14:01 (26 minutes). The recording of battery 1 began "
        "at 04:00.",
    ),
    6: (
        "The house ran on battery six times on Monday, 7 December. The grid was away once, for 38 minutes, "
        "from 15:15 to 15:53.",
        "Recording started at 05:29. Charge: lowest 79.7 % at 09:50, highest 100 % at 21:30, 95.9 % at the end "
        "of the day.",
        "15.7 kWh were charged (usually 12.9 kWh) and 17.5 kWh were discharged (usually 2.8 kWh). One cell, number 15, "
        "is weak.",
    ),
    5: (
        "On Sunday the battery supplied the house twice: from midnight to 07:10 and from 14:10 to 21:30. It was full "
        "again at 13:50, after the first time.",
        "The peak load of the house was 8.8 kW at 11:24, and the most that the battery gave was 2885 W at 17:04.",
    ),
    30: (
        "Thursday, 31 December 2026. Your house ran on battery three times today. The lowest charge was 60.1 % "
        "at 11:20, "
        "and the day closed at 93.7 %.",
        "The grid went away twice: in the morning from 07:05 to 07:45, and in the afternoon from 15:27 to 16:09. "
        "Together that makes 1 h 22 min.",
        "Energy: 5.0 kWh in (59 % less than usual) and 0.6 kWh out (88 % less than usual).",
        "Heads-up: cell 2 is weak, certain since today. The largest cell difference was 98 mV at 03:20.",
        "The deepest time on battery was the second: from 07:40 to 11:40 the charge fell by 28.0 points to 60.1 %.",
        "Only after the third time, which lasted from 15:10 to 19:10, was the battery fully charged again, at 22:50.",
        "Battery temperature stayed between -0.5 °C and 25.8 °C. The house load peaked at 1290 W at 21:16.",
    ),
    33: (
        "On 3 January 2027 the battery took over three times:\n- 00:00–04:30 (4 h 30 min): 84.2 % → 50.4 %\n"
        "- 08:50–13:30 (4 h 40 min): 88.0 % → 51.6 %\n- 18:00–22:40 (4 h 40 min): 92.5 % → 66.3 %\n"
        "It was not full again after any of them.",
        "There was one power cut, from 08:06 to 08:28 (22 minutes).",
        "Much more than usual was discharged: 21.7 kWh, while the average is 3.4 kWh. Charging was slightly below "
        "average, with 6.8 kWh.",
        "No data were recorded between 00:48 and 01:03.",
        "The charge reached its low of 50.4 % at 04:20, well above the usual 33.3 %, and its high of 92.8 % at 17:50.",
        "Cell number 6 is weak. The pack voltage dipped to 47.05 V at 16:55.",
        "The most power drawn from the battery was 1.2 kW at 18:04; the house itself peaked at 7.4 kW at 16:55.",
    ),
    26: (
        "Hello! Sunday's summary: two times on battery, one power cut of 48 minutes (17:12 to 18:00), lowest charge "
        "52.6 % at 14:30.",
        "The first time on battery lasted 7 h 40 min, from 07:10 to 14:50; the battery was full again at 21:00. "
        "The second "
        "began at 21:50 and is still going on, 2 h 9 min so far.",
        "At the end of the day the charge was 85.5 %, compared with 86.7 % at the beginning.",
        "From 08:44 on, the battery took in 18.0 kWh and gave out 8.1 kWh. Earlier values are not known.",
        "Temperatures: coldest 5.7 °C at 06:21, warmest 37.8 °C at 20:34.",
        "The battery dropped from 100 % to 52.6 % during the first period on battery.",
    ),
    21: (
        "Tuesday's digest: the house spent two periods on battery power. The first ran from 04:30 to 09:20 and "
        "brought the charge down to 65.9 %; the second ran from 13:50 to 18:40 and brought it down to 67.6 %.",
        "Both times the battery was fully charged afterwards, at 13:40 and at 22:10.",
        "The grid was down twice, 1 h 7 min in all (05:59–06:47 and 07:57–08:16).",
        "The minimum of 65.9 % at 09:10 is far higher than the usual minimum of 29.7 %.",
        "The maximum power drawn from the battery was 4516 W (01:34).",
        "The largest voltage spread between cells, 122 mV, occurred at 17:13.",
        "Energy figures are available only for 00:00 to 06:16: 22.2 kWh charged, 15.5 kWh discharged.",
        "Temperatures ranged between 5.6 °C (00:16) and 40.8 °C (01:56).",
    ),
}

UKRAINIAN_HONEST: dict[int, tuple[str, ...]] = {
    3: (
        "У п’ятницю, 4 грудня 2026 року, дім один раз перейшов на живлення від батареї – з 08:00 до 16:00 (8 годин). "
        "Заряд упав з 99,7 % до 49,9 %, а о 22:00 батарея знову була повна.",
        "Доброго вечора! Ось підсумок за 4 грудня. Мережа зникала двічі, загалом на 1 год 9 хв: з 04:25 до 04:54 "
        "та з 11:47 до 12:27. Найнижчий заряд – 49,9 % о 15:50.",
        "**Підсумок дня 04-12-2026**\n\n- Найнижчий заряд: 49,9 % о 15:50\n- Найвищий заряд: 100,0 % о 01:50\n"
        "- Заряд наприкінці дня: 100,0 %\n- Пікове навантаження дому: 7207 Вт о 09:15\n- Температура: від -10,2 "
        "до 22,4 °C",
        "День почався із зарядом 85,0 %, а завершився на 100,0 %. Мінімум становив 49,9 % о 15:50 – трохи нижче "
        "за звичні 52,1 %.",
        "Дані про енергію є лише з 00:00 до 19:24: за цей час заряджено 2,0 кВт·год, а віддано 18,6 кВт·год.",
        "Найбільша різниця між комірками становила 107 мВ о 06:30. Найнижча напруга – 52,54 В о 07:39.",
    ),
    4: (
        "Субота, 5 грудня 2026 року: дім двічі живився від батареї. Першого разу, з 00:10 до 06:40, заряд знизився "
        "з 71,3 % до 25,3 %. Другого разу, з 13:10 до 20:00, – з 74,2 % до 36,4 %. Повністю батарея не зарядилася.",
        "Найнижчий заряд за день – 25,3 % о 06:30, найвищий – 74,2 % о 13:10. На кінець дня в батареї було 67,4 %.",
        "Було два відключення світла: 20 хвилин з 04:21 і 6 хвилин з 22:46.",
        "⚡ Мережа: зникала 2 рази (разом 26 хв)\n🔋 Батарея: мінімум 25,3 % (06:30), наприкінці 67,4 %\n"
        "🌡 Температура: 7,3–43,6 °C\n🔌 Пікова потужність батареї: 3997 Вт о 09:09",
        "Найдовше дім жив від батареї 6 год 50 хв, за цей час заряд упав на 37,8 пункту.",
    ),
    7: (
        "У вівторок дім чотири рази живився від батареї, і щоразу вона потім заряджалася повністю: "
        "о 06:10, 10:10, 14:50 та 18:20.",
        "Найнижчий заряд становив 84,5 % о 08:30. Наприкінці дня батарея мала 99,6 %.",
        "З 00:55 заряджено 3,7 кВт·год і віддано 13,6 кВт·год; що було раніше, невідомо. Також невідомо, чи "
        "зникала мережа.",
        "1. 02:00–04:20, 2 год 20 хв, до 86,1 %\n2. 06:20–08:40, 2 год 20 хв, до 84,5 %\n"
        "3. 10:40–13:20, 2 год 40 хв, до 86,0 %\n4. 15:00–17:20, 2 год 20 хв, до 88,4 %",
        "Комірки розходилися щонайбільше на 105 мВ, о 05:42. Температура коливалася від -1,2 °C до 23,7 °C.",
    ),
    2: (
        "Зверніть увагу: комірка 2 слабка. Це стало відомо сьогодні.",
        "Батарея віддала 24,6 кВт·год – значно більше, ніж зазвичай (5,8 кВт·год, на 323 % більше). "
        "Заряджено 12,7 кВт·год, на 8 % менше, ніж зазвичай.",
        "Відключень світла не помічено, але протягом 56 хвилин, з 00:40 до 01:36, стан мережі невідомий.",
        "Зафіксовано три переходи на автономне живлення. Найглибшим був перший: заряд упав на 26,1 пункту, до 63,2 % "
        "о 06:30. Після третього батарея знову була повна о 22:50.",
        "Підсумок за четвер, 3 грудня: 3 рази на батареї, мінімальний заряд 63,2 % о 06:30, один повний заряд о 22:50.",
    ),
    0: (
        "1 грудня 2026 року мережа не зникала. Дім чотири рази живився від батареї, і востаннє, з 21:30, це "
        "триває досі.",
        "Батарея 1 (shed) мала найнижчий заряд 67,2 % о 08:30, а наприкінці дня – 86,1 %. Батарея 2 (shed other) – "
        "87,5 % о 00:00 та 93,3 % наприкінці.",
        "Разом батареї отримали 28,9 кВт·год і віддали 28,7 кВт·год. Дім споживав щонайбільше 1210 Вт, о 15:38.",
        "Даних про батарею 2 не було з 13:35 до 14:01 (26 хвилин). Запис батареї 1 почався о 04:00.",
    ),
    6: (
        "У понеділок, 7 грудня, дім шість разів переходив на батарею. Світло зникало один раз, на 38 хвилин, "
        "з 15:15 до 15:53.",
        "Запис розпочався о 05:29. Заряд: найнижчий 79,7 % о 09:50, найвищий 100 % о 21:30, наприкінці дня 95,9 %.",
        "Заряджено 15,7 кВт·год (зазвичай 12,9 кВт·год), віддано 17,5 кВт·год (зазвичай 2,8 кВт·год). Одна комірка, "
        "номер 15, слабка.",
    ),
    5: (
        "У неділю батарея двічі живила дім: з опівночі до 07:10 та з 14:10 до 21:30. Після першого разу, о 13:50, "
        "вона знову була повна.",
        "Пікове навантаження дому – 8,8 кВт об 11:24, а найбільша потужність від батареї – 2885 Вт о 17:04.",
    ),
    30: (
        "Четвер, 31 грудня 2026 року. Сьогодні дім тричі жив від батареї. Найнижчий заряд – 60,1 % об 11:20, "
        "наприкінці дня – 93,7 %.",
        "Мережа зникала двічі: вранці з 07:05 до 07:45 і вдень з 15:27 до 16:09, загалом на 1 год 22 хв.",
        "Енергія: заряджено 5,0 кВт·год (на 59 % менше, ніж зазвичай), віддано 0,6 кВт·год (на 88 % менше, ніж "
        "зазвичай).",
        "Увага: комірка 2 слабка. Найбільша різниця напруги між комірками – 98 мВ о 03:20.",
        "Найглибший розряд був другого разу: з 07:40 до 11:40 заряд упав на 28,0 пункту, до 60,1 %.",
        "Лише після третього разу, який тривав з 15:10 до 19:10, батарея знову зарядилася повністю – о 22:50.",
        "Температура батареї була від -0,5 °C до 25,8 °C. Навантаження дому сягало 1290 Вт о 21:16.",
    ),
    33: (
        "3 січня 2027 року батарея тричі живила дім:\n- 00:00–04:30 (4 год 30 хв): 84,2 % → 50,4 %\n"
        "- 08:50–13:30 (4 год 40 хв): 88,0 % → 51,6 %\n- 18:00–22:40 (4 год 40 хв): 92,5 % → 66,3 %\n"
        "Повного заряду після цього не було.",
        "Світло вимикали один раз, з 08:06 до 08:28 (22 хвилини).",
        "Віддано значно більше, ніж зазвичай: 21,7 кВт·год, тоді як у середньому – 3,4 кВт·год. Заряджено 6,8 кВт·год, "
        "трохи менше за середнє.",
        "З 00:48 до 01:03 даних не було.",
        "Найнижчий заряд – 50,4 % о 04:20, найвищий – 92,8 % о 17:50.",
        "Комірка номер 6 слабка. Напруга батареї опускалася до 47,05 В о 16:55.",
        "Найбільша потужність від батареї – 1,2 кВт о 18:04, а найбільше споживання дому – 7,4 кВт о 16:55.",
    ),
    26: (
        "Вітаю! Підсумок неділі: дім двічі переходив на батарею, мережа зникала один раз на 48 хвилин (17:12–18:00), "
        "найнижчий заряд 52,6 % о 14:30.",
        "Перший раз тривав 7 год 40 хв, з 07:10 до 14:50; повний заряд – о 21:00. Другий почався о 21:50 і "
        "триває досі, "
        "вже 2 год 9 хв.",
        "Наприкінці дня заряд становив 85,5 %, на початку – 86,7 %.",
        "З 08:44 батарея прийняла 18,0 кВт·год і віддала 8,1 кВт·год. Попередні дані невідомі.",
        "Температура: найхолодніше 5,7 °C о 06:21, найтепліше 37,8 °C о 20:34.",
        "За перший період заряд батареї знизився зі 100 % до 52,6 %.",
    ),
    21: (
        "Підсумок вівторка: дім двічі працював від батареї. Перший раз – з 04:30 до 09:20, заряд знизився до "
        "65,9 %; другий – з 13:50 до 18:40, до 67,6 %.",
        "Обидва рази батарея потім повністю зарядилася: о 13:40 та о 22:10.",
        "Електропостачання зникало двічі, разом на 1 год 7 хв (05:59–06:47 та 07:57–08:16).",
        "Запис даних почався лише о 06:52.",
        "Наприкінці доби рівень заряду становив 98,6 %.",
        "Мінімальний заряд 65,9 % зафіксовано о 09:10, це значно вище за звичайні 29,7 %.",
        "Максимальна потужність розряду – 4516 Вт о 01:34.",
        "Найбільший розкид напруги комірок – 122 мВ, о 17:13.",
        "Дані про енергію доступні лише за період 00:00–06:16: заряджено 22,2 кВт·год, розряджено 15,5 кВт·год.",
        "Температура змінювалася в межах від 5,6 °C (00:16) до 40,8 °C (01:56).",
    ),
}
