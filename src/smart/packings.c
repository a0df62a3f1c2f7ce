/*
 * The table of packings.  Rows of certain drives first, then the common
 * meaning of each attribute.  Packings are facts of the drives, as collected
 * by the drive database of smartmontools 7.3 and, for very old ones, by the
 * quirks of libatasmart 0.19.
 */
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "smart/encoding.h"

#define ENC(enc, unit, worse, role) \
	SMART_ENC_##enc, SMART_UNIT_##unit, SMART_WORSE_##worse, SMART_ROLE_##role

/* a drive's packing: model, id, … */
#define OF(model, id, enc, unit, worse, role) \
	{ model, NULL, id, NULL, NULL, ENC(enc, unit, worse, role) }
/* the same for one firmware */
#define FW(model, firmware, id, enc, unit, worse, role) \
	{ model, firmware, id, NULL, NULL, ENC(enc, unit, worse, role) }
/* whatever drive, by the name smartctl gives */
#define BY(named, enc, unit, worse, role) \
	{ NULL, NULL, 0, named, NULL, ENC(enc, unit, worse, role) }
/* the common meaning; `named` guards against drives that reuse the id */
#define ID(id, name, named, enc, unit, worse, role) \
	{ NULL, NULL, id, named, name, ENC(enc, unit, worse, role) }
#define HOURS_IN(model, enc) OF(model, 9, enc, HOURS, NEITHER, HOURS)
#define UNKNOWN(model, firmware, id) \
	FW(model, firmware, id, UNKNOWN, NONE, NEITHER, NONE)

static const struct smart_packing packings[] = {
	/* Seagate: rates are errors over operations; 188 is three counters:
	 * time-outs, those over 5 s, those over 7.5 s */
	OF("ST#*", 1, RAW16_OPS32, COUNT, UP, NONE),
	OF("ST#*", 7, RAW16_OPS32, COUNT, UP, NONE),
	OF("ST#*", 188, RAW16X3, COUNT, UP, NONE),
	OF("ST#*", 240, MSEC24_HOUR32, HOURS, NEITHER, NONE),
	OF("SEAGATE ST#*", 188, RAW16X3, COUNT, UP, NONE),

	/* Fujitsu: 5 has the size of the spare area in word 2 */
	OF("FUJITSU *", 5, LOW16, SECTORS, UP, REALLOCATED),
	FW("FUJITSU MHY2*BH", "0085000B", 9, MINUTES, HOURS, NEITHER, HOURS),
	UNKNOWN("FUJITSU MHY2*BH", "0085000B", 197),
	UNKNOWN("FUJITSU MHY2*BH", "0085000B", 198),
	HOURS_IN("FUJITSU MHZ2*BJ*", MINUTES),
	HOURS_IN("FUJITSU M1623TAU", SECONDS),
	HOURS_IN("FUJITSU MHG2*", SECONDS),
	HOURS_IN("FUJITSU MHH2*", SECONDS),
	HOURS_IN("FUJITSU MHJ2*", SECONDS),
	HOURS_IN("FUJITSU MHK2*", SECONDS),
	HOURS_IN("FUJITSU MHL2*", SECONDS),
	HOURS_IN("FUJITSU MHM2*", SECONDS),
	HOURS_IN("FUJITSU MHN2*", SECONDS),
	HOURS_IN("FUJITSU MHR20?0AT", SECONDS),
	HOURS_IN("FUJITSU MHS20*AT*", SECONDS),
	HOURS_IN("FUJITSU MHT2*", SECONDS),
	HOURS_IN("FUJITSU MHU2*", SECONDS),
	HOURS_IN("FUJITSU MHV2*", SECONDS),
	HOURS_IN("FUJITSU MP?3*", SECONDS),

	HOURS_IN("HITACHI_DK*", MINUTES),
	HOURS_IN("HTA422020F9AT*", MINUTES),
	HOURS_IN("HE?4230?0F9AT00", MINUTES),
	HOURS_IN("HTC4260?0G*CE00", MINUTES),
	HOURS_IN("Maxtor *", MINUTES),
	HOURS_IN("SAMSUNG SV####?", HALFMINUTES),
	HOURS_IN("SAMSUNG SP####?", HALFMINUTES),
	HOURS_IN("SAMSUNG MP0###H", HALFMINUTES),
	HOURS_IN("SAMSUNG SP##A#H", HALFMINUTES),
	HOURS_IN("SAMSUNG HM0#0H?", HALFMINUTES),
	HOURS_IN("SAMSUNG HM120I?", HALFMINUTES),
	HOURS_IN("SAMSUNG HM1#0J?", HALFMINUTES),
	HOURS_IN("TOSHIBA MK##51GSY", MINUTES),
	HOURS_IN("TOSHIBA MK##56GSY*", MINUTES),
	HOURS_IN("TOSHIBA MK##61GSY", MINUTES),
	HOURS_IN("TOSHIBA MK##61GSYN", MINUTES),
	FW("TOSHIBA MK##76GSX", "GS001A", 9, HOURS, HOURS, NEITHER, HOURS),
	HOURS_IN("TOSHIBA MK##76GSX", MINUTES),
	HOURS_IN("SMART ?25FBS*", SECONDS),
	HOURS_IN("Adtron ?25FBS*", SECONDS),
	HOURS_IN("SMART A25FB-*3?N", SECONDS),
	HOURS_IN("Adtron A25FB-*3?N", SECONDS),
	OF("SAMSUNG SV0412H", 194, TEMPERATURE10, CELSIUS, UP, TEMPERATURE),
	OF("SAMSUNG SV1204H", 194, TEMPERATURE10, CELSIUS, UP, TEMPERATURE),
	BY("Power_On_Hours_and_Msec", MSEC24_HOUR32, HOURS, NEITHER, HOURS),

	/* bad-block bookkeeping in 5, nothing known in 190 */
	UNKNOWN("MCCOE64GEMPP", "2.9.0#", 5),
	UNKNOWN("MCCOE64GEMPP", "2.9.0#", 190),

	/* what smartmontools calls proprietary, unknown, or something else */
	UNKNOWN("Maxtor 4D0*", NULL, 194),
	UNKNOWN("Maxtor 2B0*", NULL, 194),
	UNKNOWN("Maxtor 4G1*", NULL, 194),
	UNKNOWN("SMART ?25FB*", NULL, 194),
	UNKNOWN("Adtron ?25FB*", NULL, 194),
	UNKNOWN("SMART ?25FBX*", NULL, 9),
	UNKNOWN("Adtron ?25FBX*", NULL, 9),
	OF("XF1230-1A*", 190, COUNT, COUNT, UP, NONE),

	/* wear and spare of solid-state drives */
	OF("INTEL SSD*", 175, LOW16, NONE, NEITHER, NONE),
	OF("INTEL SSD*", 235, LOW16, NONE, NEITHER, NONE),
	OF("KINGSTON *", 173, LOW16, COUNT, UP, NONE),
	OF("KINGSTON *", 231, LEFT_RAW, RATIO, UP, WEAR),
	OF("Micron*", 246, WIDE, COUNT, NEITHER, NONE),
	OF("Micron*", 247, WIDE, COUNT, NEITHER, NONE),
	OF("Micron*", 248, WIDE, COUNT, NEITHER, NONE),
	OF("MTFD*", 246, WIDE, COUNT, NEITHER, NONE),
	OF("MTFD*", 247, WIDE, COUNT, NEITHER, NONE),
	OF("MTFD*", 248, WIDE, COUNT, NEITHER, NONE),
	OF("Crucial*", 246, WIDE, COUNT, NEITHER, NONE),
	OF("CT#*", 246, WIDE, COUNT, NEITHER, NONE),
	OF("INTEL SSD*", 233, LEFT_VALUE, RATIO, UP, WEAR),
	OF("INTEL SSD*", 232, SPARE_VALUE, RATIO, DOWN, SPARE),
	OF("SAMSUNG *", 177, LEFT_VALUE, RATIO, UP, WEAR),
	OF("Samsung *", 177, LEFT_VALUE, RATIO, UP, WEAR),
	OF("Micron*", 202, LEFT_VALUE, RATIO, UP, WEAR),
	OF("MTFD*", 202, LEFT_VALUE, RATIO, UP, WEAR),
	OF("Crucial*", 202, LEFT_VALUE, RATIO, UP, WEAR),
	OF("CT#*", 202, LEFT_VALUE, RATIO, UP, WEAR),
	BY("*Life_Left*", LEFT_RAW, RATIO, UP, WEAR),
	BY("*LifeLeft*", UNKNOWN, RATIO, UP, NONE),
	BY("*Lifetime_Left", LEFT_RAW, RATIO, UP, WEAR),
	BY("*Life*_Remain*", LEFT_RAW, RATIO, UP, WEAR),
	BY("Remaining_Life*", LEFT_RAW, RATIO, UP, WEAR),
	BY("Perc*_Life*_Used", USED_RAW, RATIO, UP, WEAR),
	BY("Drive*Life_Used%", USED_RAW, RATIO, UP, WEAR),

	/* ---- what most drives agree on --------------------------------- */
	ID(1, "Raw_Read_Error_Rate", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(2, "Throughput_Performance", NULL, WIDE, NONE, NEITHER, NONE),
	ID(3, "Spin_Up_Time", NULL, LOW16, MILLISECONDS, UP, NONE),
	ID(4, "Start_Stop_Count", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(5, "Reallocated_Sector_Ct", "*Realloc*", LOW32, SECTORS, UP,
		REALLOCATED),
	ID(5, "", "Retired_B*", LOW32, SECTORS, UP, REALLOCATED),
	ID(5, "", "*Bad_Bl*", LOW32, SECTORS, UP, REALLOCATED),
	ID(5, "", "Ret?ied_Bl*", LOW32, SECTORS, UP, REALLOCATED),
	ID(7, "Seek_Error_Rate", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(8, "Seek_Time_Performance", NULL, WIDE, NONE, NEITHER, NONE),
	ID(9, "Power_On_Hours", "Power_On_*", HOURS, HOURS, NEITHER, HOURS),
	ID(10, "Spin_Retry_Count", NULL, COUNT, COUNT, UP, NONE),
	ID(11, "Calibration_Retry_Count", NULL, COUNT, COUNT, UP, NONE),
	ID(12, "Power_Cycle_Count", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(13, "Read_Soft_Error_Rate", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(16, NULL, "Gas_Gauge", WIDE, NONE, NEITHER, NONE),
	ID(22, "Helium_Level", NULL, COUNT, NONE, DOWN, NONE),
	ID(170, "Available_Reservd_Space", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(171, "Program_Fail_Count", NULL, COUNT, COUNT, UP, NONE),
	ID(172, "Erase_Fail_Count", NULL, COUNT, COUNT, UP, NONE),
	ID(174, "Unexpect_Power_Loss_Ct", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(175, "Program_Fail_Count_Chip", NULL, COUNT, COUNT, UP, NONE),
	ID(176, "Erase_Fail_Count_Chip", NULL, COUNT, COUNT, UP, NONE),
	ID(177, "Wear_Leveling_Count", NULL, COUNT, COUNT, UP, NONE),
	ID(178, "Used_Rsvd_Blk_Cnt_Chip", NULL, COUNT, COUNT, UP, NONE),
	ID(179, "Used_Rsvd_Blk_Cnt_Tot", NULL, COUNT, COUNT, UP, NONE),
	ID(180, "Unused_Rsvd_Blk_Cnt_Tot", NULL, COUNT, COUNT, DOWN, NONE),
	ID(181, "Program_Fail_Cnt_Total", NULL, WIDE, COUNT, UP, NONE),
	ID(182, "Erase_Fail_Count_Total", NULL, COUNT, COUNT, UP, NONE),
	ID(183, "Runtime_Bad_Block", NULL, COUNT, COUNT, UP, NONE),
	ID(184, "End-to-End_Error", NULL, COUNT, COUNT, UP, NONE),
	ID(187, "Reported_Uncorrect", "*Unc*", COUNT, SECTORS, UP, REPORTED),
	ID(187, "", "*UE_Count*", COUNT, SECTORS, UP, REPORTED),
	ID(188, "Command_Timeout", NULL, CASCADE, COUNT, UP, NONE),
	ID(189, "High_Fly_Writes", NULL, COUNT, COUNT, UP, NONE),
	ID(190, "Airflow_Temperature_Cel", "*Temp*", TEMPERATURE, CELSIUS, UP,
		TEMPERATURE2),
	ID(191, "G-Sense_Error_Rate", NULL, WIDE, COUNT, UP, NONE),
	ID(192, "Power-Off_Retract_Count", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(193, "Load_Cycle_Count", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(194, "Temperature_Celsius", "*Temp*", TEMPERATURE, CELSIUS, UP,
		TEMPERATURE),
	ID(195, "Hardware_ECC_Recovered", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(196, "Reallocated_Event_Count", NULL, LOW16, COUNT, UP, NONE),
	ID(197, "Current_Pending_Sector", "*Pending*", COUNT, SECTORS, UP,
		PENDING),
	/* SandForce and Phison: there for old tools, always 0 */
	ID(197, "", "Not_In_Use", COUNT, SECTORS, UP, PENDING),
	ID(198, "Offline_Uncorrectable", "*Unc*", COUNT, SECTORS, UP, OFFLINE),
	ID(199, "UDMA_CRC_Error_Count", "*CRC*", COUNT, COUNT, UP, CRC),
	ID(200, "Multi_Zone_Error_Rate", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(201, "Soft_Read_Error_Rate", NULL, COUNT, COUNT, UP, NONE),
	ID(202, "Data_Address_Mark_Errs", NULL, COUNT, COUNT, UP, NONE),
	ID(203, "Run_Out_Cancel", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(220, "Disk_Shift", NULL, WIDE, NONE, NEITHER, NONE),
	ID(222, "Loaded_Hours", NULL, HOURS, HOURS, NEITHER, NONE),
	ID(223, "Load_Retry_Count", NULL, COUNT, COUNT, UP, NONE),
	ID(225, "Load_Cycle_Count", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(226, "Load-in_Time", NULL, COUNT, NONE, NEITHER, NONE),
	ID(228, "Power-off_Retract_Count", NULL, COUNT, COUNT, NEITHER, NONE),
	ID(231, "Temperature_Celsius", "*Temp*", TEMPERATURE, CELSIUS, UP, NONE),
	ID(232, "Available_Reservd_Space", NULL, COUNT, NONE, NEITHER, NONE),
	ID(233, "Media_Wearout_Indicator", NULL, COUNT, NONE, NEITHER, NONE),
	ID(240, "Head_Flying_Hours", "*Hours*", HOURS, HOURS, NEITHER, NONE),
	ID(241, "Total_LBAs_Written", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(242, "Total_LBAs_Read", NULL, WIDE, COUNT, NEITHER, NONE),
	ID(254, "Free_Fall_Sensor", NULL, COUNT, COUNT, UP, NONE),
	/* an id without a row: smartctl's database may know it; where nobody
	 * does, a small number is taken as it is */
	BY("Unknown_*", COUNT, NONE, NEITHER, NONE),
	BY("*", WIDE, NONE, NEITHER, NONE),
	ID(0, "Unknown_Attribute", NULL, COUNT, NONE, NEITHER, NONE),
};

/* Iterative: after a mismatch the last '*' takes one character more. */
static bool
glob_fits(const char *glob, const char *s)
{
	const char *star = NULL, *resume = NULL;

	while (*s != '\0') {
		if (*glob == '*') {
			star = glob++;
			resume = s;
		} else if (*glob == '?' || *glob == *s ||
			(*glob == '#' && *s >= '0' && *s <= '9')) {
			glob++;
			s++;
		} else if (star != NULL) {
			glob = star + 1;
			s = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

static bool
packing_fits(const struct smart_packing *p, const char *model,
	const char *firmware, const char *name)
{
	if (p->model != NULL && !glob_fits(p->model, model))
		return false;
	if (p->firmware != NULL && !glob_fits(p->firmware, firmware))
		return false;
	if (p->named == NULL)
		return true;
	/* raw pages carry no names: there the id alone decides */
	if (name[0] == '\0')
		return p->id != 0;
	return glob_fits(p->named, name);
}

const struct smart_packing *
smart_packing_find(const char *model, const char *firmware, uint8_t id,
	const char *name)
{
	const struct smart_packing *p = packings;
	const struct smart_packing *last = packings + ARRAY_LEN(packings) - 1;

	for (; p < last; p++) {
		if ((p->id == id || p->id == 0) &&
			packing_fits(p, model, firmware, name))
			return p;
	}
	return last;
}
