"""Чому немає даних і що робити, як звуться способи лагодження, і як поступитися зв’язком застосунку."""

TEXTS = {
    # /link: коди причин – з ``repair.causes``
    "link.cause": "{sure} %: {meaning}",
    "link.no_data": "Даних немає з {time} ({span}).",
    "link.attempts": "{count} невдала спроба.|{count} невдалі спроби.|{count} невдалих спроб.",
    "link.tried": "Уже зроблено: {rung}.",
    "link.last_outage": "Остання перерва: {time}, {span}. {verdict}",
    "link.helped": "Допомогло: {rung}.",
    "link.a_day": "за 24 год",
    "link.row.commands": "Команд",
    "link.cause.no_adapter.meaning": "У цього пристрою немає адаптера Bluetooth, або його витягли.",
    "link.cause.no_adapter.action": "Вставте адаптер; `bluetoothctl list` покаже, що бачить система.",
    "link.cause.adapter_off.meaning": "Адаптер Bluetooth вимкнено.",
    "link.cause.adapter_off.action": "Увімкніть його командою `bluetoothctl power on`.",
    "link.cause.adapter_blocked.meaning": "Адаптер Bluetooth заблоковано перемикачем або режимом польоту.",
    "link.cause.adapter_blocked.action": "Розблокуйте його командою `sudo rfkill unblock bluetooth`.",
    "link.cause.adapter_wedged.meaning": "Адаптер Bluetooth завис: він увімкнений, але не чує нічого.",
    "link.cause.adapter_wedged.action": (
        "Служба моніторингу сама вимкне й увімкне його; якщо це не допоможе, витягніть його і вставте знову."
    ),
    "link.cause.nothing_near.meaning": "Поблизу адаптера немає жодного пристрою Bluetooth.",
    "link.cause.nothing_near.action": (
        "Поставте цей комп’ютер ближче до батареї або винесіть адаптер на USB-подовжувачі."
    ),
    "link.cause.no_permission.meaning": "Служба моніторингу не має дозволу користуватися Bluetooth.",
    "link.cause.no_permission.action": (
        "Додайте її користувача до групи командою `sudo usermod -aG bluetooth USER` і перезапустіть службу моніторингу."
    ),
    "link.cause.service_down.meaning": "Системна служба Bluetooth не працює або не відповідає.",
    "link.cause.service_down.action": (
        "Перевірте `systemctl status bluetooth`; запустіть знову: `sudo systemctl restart bluetooth`."
    ),
    "link.cause.phone_connected.meaning": (
        "До батареї під’єднано телефон чи інший пристрій, а вона розмовляє лише з одним."
    ),
    "link.cause.phone_connected.action": (
        "Закрийте застосунок на всіх телефонах, що знають батарею, або вимкніть на них Bluetooth."
    ),
    "link.cause.switched_off.meaning": "BMS вимкнено, вона спить або не має живлення.",
    "link.cause.switched_off.action": (
        "Гляньте, чи світиться на ній індикатор; натисніть її кнопку або ввімкніть заряджання."
    ),
    "link.cause.out_of_range.meaning": "Батарея задалеко: сигнал не доходить.",
    "link.cause.out_of_range.action": (
        "Поставте адаптер ближче й подалі від металу; часто допомагає USB-подовжувач."
    ),
    "link.cause.weak_signal.meaning": "Сигнал батареї заслабкий для стійкого зв’язку.",
    "link.cause.weak_signal.action": (
        "Поставте адаптер ближче, подалі від металу та Wi-Fi; часто допомагає USB-подовжувач."
    ),
    "link.cause.wrong_address.meaning": "Пристрою з такою адресою тут ще ніколи не було чути.",
    "link.cause.wrong_address.action": "Порівняйте адресу з тим, що знайде `{tool} --scan`.",
    "link.cause.link_lost.meaning": "Радіозв’язок перервався.",
    "link.cause.link_lost.action": (
        "Якщо це буває зрідка, робити нічого не треба; якщо часто, поставте адаптер ближче до батареї."
    ),
    "link.cause.connect_failed.meaning": "Батарею чути, але вона не приймає з’єднання.",
    "link.cause.connect_failed.action": (
        "Вимкніть і ввімкніть Bluetooth на BMS у її застосунку; саму BMS – лише якщо дім може побути без світла."
    ),
    "link.cause.pairing_needed.meaning": "Ця прошивка вимагає спершу створити пару.",
    "link.cause.pairing_needed.action": (
        "Якщо в реєстрі вказано `pin` цієї батареї, служба моніторингу створить пару сама; інакше виконайте `{tool} pair`."
    ),
    "link.cause.pairing_refused.meaning": (
        "Батарея відмовилася створити пару: код неправильний, або прошивка цього не вміє."
    ),
    "link.cause.pairing_refused.action": (
        "Виправте `pin` у реєстрі або виконайте `{tool} pair`; те, у чому відмовлено, більше не пробується."
    ),
    "link.cause.stale_cache.meaning": "Дані про батарею, які запам’ятала служба Bluetooth, застаріли.",
    "link.cause.stale_cache.action": (
        "Служба моніторингу сама їх зітре; вручну: `bluetoothctl remove ADDRESS`."
    ),
    "link.cause.not_a_bms.meaning": "Пристрій із цією адресою – не JK BMS.",
    "link.cause.not_a_bms.action": "Знайдіть правильну адресу командою `{tool} --scan`.",
    "link.cause.mute.meaning": "Батарею під’єднано, але вона мовчить.",
    "link.cause.mute.action": (
        "Якщо так триватиме, закрийте застосунок на телефоні, вимкніть і ввімкніть Bluetooth на BMS."
    ),
    "link.cause.frozen.meaning": "BMS повторює ті самі значення: її процесор завис.",
    "link.cause.frozen.action": (
        "Її захист може не діяти: вимкніть зарядне й усе потужне, тоді вимкніть і ввімкніть BMS; тим часом світла не буде."
    ),
    "link.cause.layout_unknown.meaning": (
        "Батарея надсилає дані в невідомому форматі, можливо, після оновлення прошивки."
    ),
    "link.cause.layout_unknown.action": (
        "Збережіть запис командою `{tool} --direct --dump FILE` і повідомте про це."
    ),
    "link.cause.frames_damaged.meaning": "Дані від батареї приходять пошкодженими.",
    "link.cause.frames_damaged.action": "Поставте адаптер ближче, подалі від Wi-Fi та інверторів.",
    "link.cause.other_program.meaning": "Адаптером Bluetooth користується інша програма.",
    "link.cause.other_program.action": "Завершіть її або дайте їй окремий адаптер.",
    "link.cause.other_poller.meaning": "Батарею опитує ще одна служба моніторингу.",
    "link.cause.other_poller.action": (
        "Зупиніть одну з них: копію могли запустити systemd, Docker або ви самі в терміналі."
    ),
    "link.cause.internal_error.meaning": "Програма натрапила на те, чого не вміє обробити.",
    "link.cause.internal_error.action": (
        "Вона пробує знову сама; оновіть її, а якщо так триватиме, "
        "повідомте, що кажуть `{tool} doctor` і журнал."
    ),
    "link.cause.released.meaning": "Bluetooth звільнено, щоб міг під’єднатися телефон.",
    "link.cause.released.action": "Зачекайте або почніть опитувати знову командою `{tool} resume`.",
    # Кожен крок між цією машиною і числами, коли все гаразд
    "link.layer.d_bus": "Система відповідає",
    "link.layer.permission": "Bluetooth дозволено",
    "link.layer.bluetooth_service": "Служба Bluetooth працює",
    "link.layer.adapter": "Адаптер є",
    "link.layer.adapter_is_on": "Адаптер увімкнено",
    "link.layer.adapter_is_free": "Його не займає інша програма",
    "link.layer.scan": "Він щось чує",
    "link.layer.battery_is_heard": "Батарею чути",
    "link.layer.connection": "Вона приймає з’єднання",
    "link.layer.pairing": "Вона спарена, якщо це треба",
    "link.layer.services": "Це відома BMS",
    "link.layer.frames": "Вона надсилає дані",
    "link.layer.readings": "Дані правильні",
    # Способи лагодження: що було зроблено
    "link.rung.none": "зв’язок відновився сам",
    "link.rung.ask": "повторний запит до BMS",
    "link.rung.reconnect": "нове з’єднання",
    "link.rung.forget": "стирання записів служби Bluetooth про батарею",
    "link.rung.power_cycle": "вимкнення й увімкнення адаптера",
    "link.rung.restart_service": "перезапуск служби Bluetooth",
    "link.rung.exit": "перезапуск служби моніторингу",
    "link.rung.reboot": "перезавантаження комп’ютера",
    # /release і /resume
    "link.usage": (
        "На скільки, від 1m до 1h, і яку батарею, якщо їх кілька? Наприклад: /release 10m або /release 1h Дім"
    ),
    "link.released": "{names}: Bluetooth звільнено до {time}.",
    "link.app": (
        "Тепер може під’єднатися застосунок на телефоні. Потім служба моніторингу з’єднається сама; раніше – "
        "/resume."
    ),
    "link.resumed": "{names}: знову з’єднуюся.",
    "link.close_app": "Якщо застосунок на телефоні ще під’єднаний, закрийте його.",
    "link.nothing_released": "Bluetooth не звільняли, тож відновлювати нічого.",
    "link.unconfirmed": "Служба моніторингу цього не підтвердила; теперішній стан покаже /link.",
    "link.all": "Усі",
    "link.button.release": "📱 Звільнити Bluetooth на 10 хв",
    "link.button.resume": "▶️ Знову опитувати",
    "link.button.link": "Зв’язок",
}
